import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, ReactWidget } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { Api, type Draft } from '../api';
import { merge, setAt } from '../model/paths';
import { Persistence } from '../model/persistence';
import { WizardModel } from '../model/wizard';
import { CommandIDs, IFineTune, SETTINGS_ID } from '../tokens';
import { VERSION } from '../version';
import { fineTuneIcon } from '../view/icon';
import { Wizard } from '../view/wizard';
import { Host } from './host';

const FILES_MIME = 'application/x-jupyter-icontents';

/** The sidebar panel; also a target for files dragged out of the file browser. */
class WizardPanel extends ReactWidget {
  constructor(
    private readonly _model: WizardModel,
    private readonly _onDrop: (path: string) => void
  ) {
    super();
    this.id = 'jupyter-ft-panel';
    this.addClass('jp-ft-panel');
    this.title.icon = fineTuneIcon;
    this.title.caption = _model.trans.__('Fine-tune');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
  }

  handleEvent(event: Event): void {
    const drag = event as Event & {
      mimeData: { hasData(mime: string): boolean; getData(mime: string): unknown };
      dropAction: string;
    };
    if (!drag.mimeData?.hasData(FILES_MIME)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    drag.dropAction = 'copy';
    if (event.type === 'lm-drop') {
      const [path] = drag.mimeData.getData(FILES_MIME) as string[];
      this._onDrop(path);
    }
  }

  protected render(): JSX.Element {
    return <Wizard model={this._model} />;
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    ['lm-dragenter', 'lm-dragover', 'lm-drop'].forEach(type =>
      this.node.addEventListener(type, this)
    );
  }

  protected onBeforeDetach(msg: Message): void {
    ['lm-dragenter', 'lm-dragover', 'lm-drop'].forEach(type =>
      this.node.removeEventListener(type, this)
    );
    super.onBeforeDetach(msg);
  }
}

/** The wizard itself: model, panel, and the commands that act on it. */
export const panelPlugin: JupyterFrontEndPlugin<IFineTune> = {
  id: SETTINGS_ID,
  description: 'A fine-tuning notebook in four steps, in the sidebar.',
  autoStart: true,
  provides: IFineTune,
  requires: [IDocumentManager],
  optional: [
    INotebookTracker,
    IDefaultFileBrowser,
    IStateDB,
    ISettingRegistry,
    ITranslator,
    ICommandPalette,
    ILayoutRestorer
  ],
  activate: (
    app: JupyterFrontEnd,
    documents: IDocumentManager,
    notebooks: INotebookTracker | null,
    browser: IDefaultFileBrowser | null,
    state: IStateDB | null,
    settings: ISettingRegistry | null,
    maybeTranslator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): IFineTune => {
    const translator = maybeTranslator ?? nullTranslator;
    const trans = translator.load('jupyter_ft');
    const { contents, serverSettings } = app.serviceManager;
    const { commands, shell } = app;
    const host = new Host({ contents, commands, documents, notebooks, browser, translator, trans });
    const stores = [webStore('localStorage'), webStore('sessionStorage')] as const;
    const base = new URL(serverSettings.baseUrl, location.href).pathname;
    const model = new WizardModel({
      api: new Api(serverSettings),
      host,
      persistence: new Persistence(state, ...stores, 250, base),
      trans,
      version: VERSION
    });
    const panel = new WizardPanel(model, path => fineTune.useDataset(path));
    shell.add(panel, 'left', { rank: 600, type: 'Fine-tune' });
    restorer?.add(panel, panel.id);
    const refresh = () => model.refresh();
    browser?.model.pathChanged.connect(refresh);
    notebooks?.currentChanged.connect((_, notebook) => {
      refresh();
      notebook?.context.pathChanged.connect(refresh);
      // Whether it holds generated cells is known once it is read, and changes with its cells.
      void notebook?.context.ready.then(() => {
        notebook.content.model?.cells.changed.connect(refresh);
        refresh();
      });
    });

    const fineTune: IFineTune = {
      show: () => shell.activateById(panel.id),
      useDataset: path => {
        model.intake.useDataset(contents.localPath(path));
        fineTune.show();
      },
      loadConfig: async path => {
        fineTune.show();
        return model.intake.loadConfig(contents.localPath(path));
      }
    };
    addCommands(app, model, fineTune, palette);
    void (async () => {
      await followSettings(settings, model).catch(error => model.notices.tell(error));
      await model.start();
    })();
    return fineTune;
  }
};

function addCommands(
  app: JupyterFrontEnd,
  model: WizardModel,
  fineTune: IFineTune,
  palette: ICommandPalette | null
): void {
  const { trans } = model;
  const add = (command: string, label: string, execute: () => void | Promise<void>) => {
    const icon = command === CommandIDs.open ? fineTuneIcon : undefined;
    const caption = command === CommandIDs.open ? trans.__('Open the fine-tuning wizard') : label;
    const describedBy = { args: { type: 'object', properties: {} } } as PartialJSONObject;
    app.commands.addCommand(command, { label, caption, icon, execute, describedBy });
    palette?.addItem({ command, category: trans.__('Fine-tuning') });
  };
  const deliver = (run: () => Promise<void>) => async () => {
    model.goTo('review');
    fineTune.show();
    await run();
  };
  add(CommandIDs.open, trans.__('Fine-tune'), () => fineTune.show());
  add(
    CommandIDs.insert,
    trans.__('Insert Fine-tuning Cells into the Open Notebook'),
    deliver(() => model.delivery.insert(model.config))
  );
  add(
    CommandIDs.newNotebook,
    trans.__('New Fine-tuning Notebook'),
    deliver(() => model.delivery.create(model.config))
  );
}

async function followSettings(
  registry: ISettingRegistry | null,
  model: WizardModel
): Promise<void> {
  if (!registry) {
    return;
  }
  const settings = await registry.load(SETTINGS_ID);
  const apply = () => {
    const { config, uploadLimit, ...fields } = settings.composite as PartialJSONObject;
    let defaults: Draft = {};
    for (const [path, value] of Object.entries(fields)) {
      // Fields of the config carry their path as name; an empty one sets nothing.
      if (typeof value === 'string' && value !== '') {
        defaults = setAt(defaults, path, value);
      }
    }
    model.defaults = merge(defaults, (config ?? {}) as Draft);
    model.intake.uploadLimit = Number(uploadLimit ?? 200) * 2 ** 20;
  };
  settings.changed.connect(apply);
  apply();
}

/** A store of the browser's own; absent where it is switched off. */
function webStore(name: 'localStorage' | 'sessionStorage'): Storage | null {
  try {
    return window[name];
  } catch {
    return null;
  }
}
