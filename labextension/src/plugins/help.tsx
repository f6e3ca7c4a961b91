import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, ReactWidget } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import React from 'react';

import { CommandIDs } from '../tokens';
import { FormatGuide } from '../view/help';
import { fineTuneIcon } from '../view/icon';

/** The guide to the data formats; the Help menu names it through the settings' schema. */
export const helpPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-ft:help',
  description: 'A guide to the data formats.',
  autoStart: true,
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_ft');
    let open: MainAreaWidget | null = null;
    app.commands.addCommand(CommandIDs.help, {
      label: trans.__('Fine-tuning: Data Formats'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        if (!open || open.isDisposed) {
          const content = ReactWidget.create(<FormatGuide trans={trans} />);
          content.addClass('jp-ft-guide-panel');
          open = new MainAreaWidget({ content });
          open.id = 'jupyter-ft-help';
          open.toolbar.hide(); // nothing is in it
          open.title.label = trans.__('Data formats');
          open.title.icon = fineTuneIcon;
          open.title.closable = true;
          app.shell.add(open, 'main');
        }
        app.shell.activateById(open.id);
      }
    });
    palette?.addItem({ command: CommandIDs.help, category: trans.__('Fine-tuning') });
  }
};
