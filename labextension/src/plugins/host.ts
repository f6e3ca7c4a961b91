import { Clipboard } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog, type IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { IHost, INotebookTarget } from '../model/host';
import { ToldError } from '../model/problems';
import { sendFile } from '../model/upload';

/** Bytes: what is larger was never a config, and would hold up page and server. */
const MOST_READ = 2 ** 20;
const DATA_FILE = /\.(jsonl|json|ndjson|csv|tsv|txt|parquet|arrow|gz|zst)$/i;

export interface IHostOptions {
  contents: Contents.IManager;
  commands: CommandRegistry;
  documents: IDocumentManager;
  notebooks: INotebookTracker | null;
  browser: IDefaultFileBrowser | null;
  translator: ITranslator;
  trans: TranslationBundle;
}

/** A notebook panel as delivery sees it; `contents` tells of its file. */
export function notebookTarget(
  panel: NotebookPanel,
  contents: Contents.IManager | null = null
): INotebookTarget | null {
  const { content, context, sessionContext } = panel;
  if (!content.model || panel.isDisposed) {
    return null;
  }
  const kernel = sessionContext.session?.kernel;
  const specs = sessionContext.specsManager.specs?.kernelspecs;
  const status = kernel?.status;
  return {
    name: PathExt.basename(context.path),
    get path() {
      return context.path;
    },
    folder: PathExt.dirname(context.localPath),
    shared: content.model.sharedModel,
    activeIndex: content.activeCellIndex,
    readOnly: context.model.readOnly || context.contentsModel?.writable === false,
    language: (kernel && specs?.[kernel.name]?.language) || content.model.defaultKernelLanguage,
    kernel: !kernel ? 'none' : status === 'dead' ? 'dead' : status === 'busy' ? 'busy' : 'ready',
    isStale: async () => contents !== null && isStale(panel, contents),
    reveal: index => {
      if (content.isDisposed) {
        return;
      }
      content.deselectAll();
      content.activeCellIndex = index;
      // Once the cells are drawn: to look for the place before would hold up their drawing.
      requestAnimationFrame(() => {
        setTimeout(() => void (content.isDisposed || content.scrollToItem(index, 'start')));
      });
    }
  };
}

/** Compare the file of a notebook with what was read, by the rule of saving it. */
async function isStale({ context }: NotebookPanel, contents: Contents.IManager): Promise<boolean> {
  const known = context.contentsModel;
  if (!known || context.model.collaborative) {
    return false; // together, the server keeps the file
  }
  const now = await contents.get(context.path, { content: false, hash: true });
  if (known.hash && now.hash) {
    return known.hash !== now.hash;
  }
  const margin = context.lastModifiedCheckMargin;
  return Date.parse(now.last_modified) - Date.parse(known.last_modified) > margin;
}

/** JupyterLab, or Notebook 7, around the wizard. */
export class Host implements IHost {
  constructor(private readonly _options: IHostOptions) {}

  notebook(): INotebookTarget | null {
    const panel = this._options.notebooks?.currentWidget;
    return panel ? notebookTarget(panel, this._options.contents) : null;
  }

  folder(): string {
    const browser = this._shown();
    const path = browser && this._options.contents.localPath(browser.model.path);
    return path ?? this.notebook()?.folder ?? '';
  }

  async write(folder: string, name: string, content: string | object): Promise<string> {
    const { contents } = this._options;
    const text = typeof content === 'string';
    const saved = await contents.save(await this._free(folder, name), {
      type: text ? 'file' : 'notebook',
      format: text ? 'text' : 'json',
      content
    });
    return contents.localPath(saved.path);
  }

  async read(path: string): Promise<string> {
    const { contents, trans } = this._options;
    const { name, size } = await contents.get(path, { content: false });
    if ((size ?? 0) > MOST_READ) {
      throw new ToldError(
        trans.__('%1 is too big to be a config.', name),
        trans.__('To train on it, choose “Fine-tune on This Dataset”.')
      );
    }
    const model = await contents.get(path, {
      type: 'file',
      format: 'text',
      content: true
    });
    return String(model.content);
  }

  async upload(file: File): Promise<string> {
    const { contents } = this._options;
    const browser = this._shown();
    if (browser) {
      const saved = await browser.model.upload(file);
      return contents.localPath(saved.path);
    }
    const path = await this._free(this.folder(), file.name);
    const saved = await sendFile(file, piece =>
      contents.save(path, { type: 'file', format: 'base64', ...piece })
    );
    return contents.localPath(saved.path);
  }

  /** The file browser, where it is to be seen: the page of a notebook in Notebook 7 has none. */
  private _shown(): IDefaultFileBrowser | null {
    const { browser } = this._options;
    return browser?.isAttached ? browser : null;
  }

  /** A path in a folder that no file has yet. */
  private async _free(folder: string, name: string): Promise<string> {
    const listing = await this._options.contents.get(folder, { content: true });
    const taken = new Set((listing.content as Contents.IModel[]).map(one => one.name));
    const end = PathExt.extname(name);
    const stem = name.slice(0, name.length - end.length);
    let free = name;
    for (let number = 1; taken.has(free); number++) {
      free = `${stem}-${number}${end}`;
    }
    return PathExt.join(folder, free);
  }

  async open(path: string): Promise<void> {
    await this._options.commands.execute('docmanager:open', { path });
  }

  download(blob: Blob, name: string): void {
    const url = URL.createObjectURL(blob);
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    // The browser still reads it after the click.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  async copy(text: string): Promise<void> {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
    } else {
      Clipboard.copyToSystem(text); // pages served without TLS have no clipboard of their own
    }
  }

  async pick(): Promise<string | null> {
    const { documents, trans, translator, contents } = this._options;
    const result = await FileDialog.getOpenFiles({
      manager: documents,
      translator,
      title: trans.__('Choose the data file'),
      defaultPath: this.folder(),
      // Without the folders nobody would get to the files in them.
      filter: one => (one.type === 'directory' || DATA_FILE.test(one.name) ? {} : null)
    });
    const picked = result.value?.[0];
    return result.button.accept && picked && picked.type !== 'directory'
      ? contents.localPath(picked.path)
      : null;
  }
}
