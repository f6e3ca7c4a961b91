import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, IFineTune } from '../tokens';
import { fineTuneIcon } from '../view/icon';

/** Context menu of the file browser: train on a data file, make a notebook from a config. */
export const filesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-ft:files',
  description: 'Entries for data files and configs in the file browser.',
  autoStart: true,
  requires: [IFineTune],
  optional: [IFileBrowserFactory, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    fineTune: IFineTune,
    factory: IFileBrowserFactory | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_ft');
    const selected = (): string | null => {
      const items = [...(factory?.tracker.currentWidget?.selectedItems() ?? [])];
      return items.length === 1 && items[0].type !== 'directory' ? items[0].path : null;
    };
    const add = (
      command: string,
      label: string,
      ending: RegExp,
      run: (path: string) => void | Promise<void>
    ) => {
      app.commands.addCommand(command, {
        label,
        icon: fineTuneIcon,
        describedBy: {
          args: { type: 'object', properties: { path: { type: 'string' } } }
        },
        isVisible: args => ending.test(String(args.path ?? selected() ?? '')),
        execute: async args => {
          const path = args.path ?? selected();
          if (typeof path === 'string') {
            await run(path);
          }
        }
      });
    };
    add(
      CommandIDs.useDataset,
      trans.__('Fine-tune on This Dataset'),
      /\.(jsonl|csv|tsv|json|parquet)$/i,
      path => fineTune.useDataset(path)
    );
    add(CommandIDs.fromConfig, trans.__('Generate Notebook'), /\.(ya?ml|json)$/i, async path => {
      if (await fineTune.loadConfig(path)) {
        await app.commands.execute(CommandIDs.newNotebook);
      }
    });
  }
};
