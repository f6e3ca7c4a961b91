import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONObject } from '@lumino/coreutils';

import type { IGeneratedCell } from '../api';
import { type IDone, place } from '../model/delivery';
import { tell, ToldError } from '../model/problems';
import { COMM_TARGET } from '../tokens';
import { notebookTarget } from './host';

/** Lets the wizard that runs in a kernel put its cells into the notebook, in the tab that asked. */
export const commPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-ft:comm',
  description: 'Cells from the kernel’s wizard into its notebook.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_ft');
    const follow = (_: unknown, panel: NotebookPanel) => {
      const register = (kernel: Kernel.IKernelConnection | null | undefined) =>
        kernel?.registerCommTarget(COMM_TARGET, (comm, message) =>
          answer(() => viewOf(kernel, notebooks) ?? panel, kernel, comm, message, trans)
        );
      register(panel.sessionContext.session?.kernel);
      panel.sessionContext.kernelChanged.connect((_context, { newValue }) => register(newValue));
    };
    notebooks.forEach(panel => follow(null, panel));
    notebooks.widgetAdded.connect(follow);
  }
};

/** The notebook of a kernel: the view in front, else any of its views that is still open. */
export function viewOf(
  kernel: Kernel.IKernelConnection,
  notebooks: INotebookTracker
): NotebookPanel | undefined {
  const shows = (one: NotebookPanel) =>
    !one.isDisposed && one.sessionContext.session?.kernel === kernel;
  const { currentWidget } = notebooks;
  return currentWidget && shows(currentWidget) ? currentWidget : notebooks.find(shows);
}

function answer(
  panel: () => NotebookPanel,
  kernel: Kernel.IKernelConnection,
  comm: Kernel.IComm,
  message: KernelMessage.ICommOpenMsg,
  trans: TranslationBundle
): void {
  // The kernel tells every tab; the one whose request opened the comm is the one that asked.
  const asked = (message.parent_header as { session?: string }).session === kernel.clientId;
  if (!asked) {
    comm.dispose();
    return;
  }
  const reply = (data: PartialJSONObject): void => {
    const sent = data as unknown as Parameters<Kernel.IComm['send']>[0];
    comm.send(sent);
  };
  const insert = (data: unknown) => {
    try {
      const cells = readCells(data, trans);
      const told = place(cells, notebookTarget(panel()), trans);
      reply({ status: 'inserted', count: cells.length, message: inSentences(told, trans) });
    } catch (error) {
      const { message, hint } = tell(error, trans);
      reply({ status: 'error', message: `${message} ${hint}`.trim() });
    }
  };
  comm.onMsg = next => insert(next.content.data);
  if ((message.content.data as PartialJSONObject)?.action !== undefined) {
    insert(message.content.data);
  }
}

/** What was done, and which cells stayed as the user had them. */
function inSentences({ message, kept }: IDone, trans: TranslationBundle): string {
  if (kept.length === 0) {
    return message;
  }
  const cells = kept.map(one => trans.__('Cell %1: %2', one.index + 1, one.template)).join(', ');
  return `${message} ${trans.__('You edited these cells, so they stayed as they are:')} ${cells}.`;
}

/** The cells of a request, or a sentence on what is wrong with it. */
function readCells(data: unknown, trans: TranslationBundle): IGeneratedCell[] {
  const { action, cells } = (data ?? {}) as { action?: unknown; cells?: unknown };
  const good = (cell: unknown) => {
    const { cell_type, source, metadata } = (cell ?? {}) as Partial<IGeneratedCell>;
    const text = typeof source === 'string' || Array.isArray(source);
    return ['code', 'markdown', 'raw'].includes(cell_type ?? '') && text && !!metadata;
  };
  if (action !== 'insert' || !Array.isArray(cells) || !cells.every(good)) {
    throw new ToldError(
      trans.__('The kernel asked for something that this version does not know.'),
      trans.__('Install the same version of jupyter-ft in the kernel and in JupyterLab.')
    );
  }
  return cells as IGeneratedCell[];
}
