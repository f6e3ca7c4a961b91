import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, IFineTune } from '../tokens';

/** A card in the launcher. */
export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-ft:launcher',
  description: 'A launcher card that opens the wizard.',
  autoStart: true,
  requires: [IFineTune],
  // Notebook 7 has no launcher.
  optional: [ILauncher, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    _fineTune: IFineTune,
    launcher: ILauncher | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_ft');
    launcher?.add({ command: CommandIDs.open, category: trans.__('Other'), rank: 10 });
  }
};
