import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IApi, IExample } from '../api';
import type { IHost } from './host';
import { seenFromRoot, setAt } from './paths';
import { ToldError } from './problems';
import type { WizardModel } from './wizard';

/** The ways in which data and configs come into the wizard. */
export class Intake {
  constructor(
    private readonly _wizard: WizardModel,
    private readonly _api: IApi,
    private readonly _host: IHost,
    private readonly _trans: TranslationBundle
  ) {}

  /** Largest file that is uploaded through the browser, in bytes. */
  uploadLimit = 200 * 2 ** 20;

  /** Train on a file of the server. */
  useDataset(path: string): void {
    this._wizard.whenReady(form => {
      let draft = setAt(form.draft, 'dataset.source', 'upload_local_path');
      draft = setAt(draft, 'dataset.id', undefined);
      draft = setAt(draft, 'dataset.columns', undefined);
      if (this._wizard.asking.forgetFormat()) {
        draft = setAt(draft, 'dataset.format', undefined);
      }
      form.draft = setAt(draft, 'dataset.path', path);
      if (this._wizard.step === 'data') {
        this._wizard.asking.lookAgain(); // a file of the same name may have other rows now
      } else {
        this._wizard.goTo('data');
      }
    });
  }

  /** Upload a file, then train on it. */
  async useFile(file: File): Promise<void> {
    const trans = this._trans;
    await this._wizard.notices.attempt(async () => {
      if (file.size > this.uploadLimit) {
        throw new ToldError(
          trans.__('%1 is too big to upload through the browser.', file.name),
          trans.__('Copy it into the server’s folder by other means, then pick it with “Browse…”.')
        );
      }
      this.useDataset(await this._host.upload(file));
    });
  }

  /** Copy an example of ours into the user's folder, then train on it. */
  async useExample(example: IExample): Promise<void> {
    await this._wizard.notices.attempt(async () => {
      const { name, path, format, columns } = example;
      const copied = async () =>
        this._host.write(this._host.folder(), name, await this._api.example(name));
      this.useDataset(path ?? (await copied()));
      this._wizard.set('dataset.columns', Object.keys(columns ?? {}).length ? columns : undefined);
      this._wizard.set('dataset.format', format);
    });
  }

  /** Take over a config file; resolves to whether it could be read. */
  async loadConfig(path: string): Promise<boolean> {
    const trans = this._trans;
    return this._wizard.notices.attempt(async () => {
      const { config, findings } = await this._api.validate({ text: await this._host.read(path) });
      if (config === null) {
        const message = trans.__('%1 cannot be used as a config.', PathExt.basename(path));
        return { message, hint: trans.__('What the wizard held is unchanged.'), findings };
      }
      // Who waits for this goes on with the config that was read.
      await new Promise<void>(taken =>
        this._wizard.whenReady(form => {
          this._wizard.asking.forgetFormat();
          this._wizard.applied.forget(); // it would take back what was read
          form.draft = seenFromRoot(form.schema.prune(config), PathExt.dirname(path));
          this._wizard.goTo('review');
          taken();
        })
      );
      return undefined;
    });
  }
}
