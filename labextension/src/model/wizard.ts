import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONValue } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Draft, IApi, IFinding, ITaskPreset } from '../api';
import { Applied } from './applied';
import { Asking, type ISituation } from './asking';
import { Catalogue } from './catalogue';
import { Delivery } from './delivery';
import { FindingsSorter, type ISorted } from './findings';
import { FormModel } from './form';
import type { IHost } from './host';
import { Intake } from './intake';
import { Journey } from './journey';
import { Notices } from './notices';
import { seenFrom } from './paths';
import type { Persistence } from './persistence';
import { type IProblem, tell } from './problems';
import type { Queries } from './queries';
import type { Step } from './schema';

export interface IWizardOptions {
  api: IApi;
  host: IHost;
  persistence: Persistence;
  trans: TranslationBundle;
  /** Version of this front end. */
  version: string;
}

/** The wizard: what the user typed, where they are, and what the server says of it. */
export class WizardModel implements ISituation {
  constructor(private readonly _options: IWizardOptions) {
    const { api, host, trans, version } = _options;
    this.catalogue = new Catalogue(api, version, trans);
    this.delivery = new Delivery(api, host, trans);
    this.asking = new Asking(api, this, this.delivery);
    this.intake = new Intake(this, api, host, trans);
    this.notices = new Notices(trans);
    const { asking, delivery, notices } = this;
    [...this.queries.all, asking, delivery, notices].forEach(part =>
      part.changed.connect(this._emit, this)
    );
  }

  readonly applied = new Applied();
  readonly asking: Asking;
  readonly catalogue: Catalogue;
  readonly delivery: Delivery;
  readonly intake: Intake;
  readonly journey = new Journey();
  readonly notices: Notices;
  /** Null until the server has answered. */
  form: FormModel | null = null;
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get trans(): TranslationBundle {
    return this._options.trans;
  }

  get host(): IHost {
    return this._options.host;
  }

  get queries(): Queries {
    return this.asking.queries;
  }

  get step(): Step {
    return this.journey.step;
  }

  /** Ask the server who it is, then fetch what the forms are made from. May be called again. */
  start(): Promise<void> {
    // Pressed twice, “Try again” must not begin a second form beside the first.
    this._starting ??= this._start().finally(() => (this._starting = null));
    return this._starting;
  }

  private async _start(): Promise<void> {
    try {
      if ((await this.catalogue.greet()) && !this.form) {
        await this._begin(new FormModel(await this.catalogue.fetch()));
      }
      if (this.form) {
        this.asking.ask();
      }
    } catch (error) {
      this.catalogue.problem = this.told(error);
    }
    this._emit();
  }

  private async _begin(form: FormModel): Promise<void> {
    const state = await this._options.persistence.load();
    form.defaults = this._defaults;
    if (state) {
      form.draft = state.draft;
      this.journey.restore(state.step, state.visited);
    }
    this.form = form;
    this.asking.begin(form, state?.detected ?? null);
    form.changed.connect(this._formChanged, this);
    this.asking.lookAgain();
    this._waiting.splice(0).forEach(work => work(form));
  }

  set defaults(defaults: Draft) {
    this._defaults = defaults;
    if (this.form) {
      this.form.defaults = defaults;
    }
  }

  /** Go to a step, and there to a field, if one is wanted. */
  goTo(step: Step, field: string | null = null): void {
    if (this.journey.goTo(step, field)) {
      this.notices.dismiss();
      this._save();
      this.asking.ask();
      if (step === 'data' || step === 'review') {
        this.asking.lookAgain(); // the file may have gone since
      }
    }
    this._emit();
  }

  move(by: 1 | -1): void {
    const next = this.journey.beside(by);
    if (next) {
      this.goTo(next);
    }
  }

  set(path: string, value: PartialJSONValue | undefined): void {
    this.form?.set(path, value);
  }

  /** The config as the server and the notebook get it. */
  get config(): Draft {
    return this.form?.config ?? {};
  }

  /** The config with its paths as seen from where the cells would go now. */
  get placed(): Draft {
    return seenFrom(this.config, this.host.notebook()?.folder ?? this.host.folder());
  }

  get findings(): ISorted | null {
    const { answer } = this.queries.validation.state;
    const estimate = this.queries.estimate.state.answer;
    const { form } = this;
    return form && answer ? this._sorter.sort(form.schema, answer, estimate) : null;
  }

  /** Findings beside a field or section: those of one that nobody came to yet are kept back. */
  findingsOf(path: string): IFinding[] {
    const all = this.findings?.places.get(path) ?? [];
    const seen = this.form?.isSet(path) || this.journey.knows(this.form?.schema.stepOf(path));
    return seen ? all : all.filter(one => one.severity !== 'error');
  }

  applyPreset(preset: ITaskPreset): void {
    if (this.form) {
      this.applied.apply(this.form, preset);
      this._emit();
    }
  }

  /** Take back what was applied or started over; what was typed since stays. */
  undoPreset(): void {
    if (this.form) {
      this.applied.undo(this.form);
      this._emit();
    }
  }

  /** Start over; the draft before can be had back by `undoPreset`. */
  reset(): void {
    if (this.form) {
      this.applied.startOver(this.form, this.trans.__('Start over'));
      this.goTo('model');
      // After that: the step that was left is not one that the user has seen of the new config.
      this.journey.visited.clear();
      this.asking.forgetFormat();
      this.form.draft = {};
    }
  }

  /** Run once the forms are there: at once, or when the server has answered. */
  whenReady(work: (form: FormModel) => void): void {
    if (this.form) {
      work(this.form);
    } else {
      this._waiting.push(work);
    }
  }

  /** An error in sentences. */
  told(error: unknown): IProblem {
    return tell(error, this.trans);
  }

  /** What is open around the wizard has changed: the config may be seen from another folder now. */
  refresh(): void {
    this.asking.askFromElsewhere();
    this._emit();
  }

  dispose(): void {
    this.queries.dispose();
    this._options.persistence.dispose();
    Signal.clearData(this);
  }

  private _formChanged(form: FormModel): void {
    this._save();
    this.delivery.clear();
    this.asking.formChanged(form);
    this._emit();
  }

  private _save(): void {
    const { journey, form } = this;
    if (form) {
      const { step, visited } = journey;
      const [draft, detected] = [form.draft, this.asking.detected];
      const state = { version: 1 as const, saved: Date.now(), step, draft, visited: [...visited] };
      this._options.persistence.save({ ...state, detected });
    }
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _waiting: ((form: FormModel) => void)[] = [];
  private _defaults: Draft = {};
  private readonly _sorter = new FindingsSorter();
  private _starting: Promise<void> | null = null;
}
