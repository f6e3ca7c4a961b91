import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONValue } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Draft, IApi, IExample, IFinding, IPresets, ITaskPreset } from '../api';
import { Delivery } from './delivery';
import { type ISorted, sortFindings } from './findings';
import { FormModel } from './form';
import type { IHost } from './host';
import { Intake } from './intake';
import { seenFrom } from './paths';
import type { Persistence } from './persistence';
import { type IProblem, isUsable, tell, versionProblem } from './problems';
import { dataSource, Queries } from './queries';
import { ConfigSchema, type Step, STEPS } from './schema';

export interface IWizardOptions {
  api: IApi;
  host: IHost;
  persistence: Persistence;
  trans: TranslationBundle;
  /** Version of this front end. */
  version: string;
}

/** The wizard: where the user is, what they typed, and what the server says of it. */
export class WizardModel {
  constructor(private readonly _options: IWizardOptions) {
    const { api, host, trans } = _options;
    this.queries = new Queries(api);
    this.delivery = new Delivery(api, host, trans);
    this.intake = new Intake(this, api, host, trans);
    [...this.queries.all, this.delivery].forEach(part => part.changed.connect(this._emit, this));
    this.queries.preview.changed.connect(this._previewed, this);
    this.queries.validation.changed.connect(this._prepare, this);
  }

  readonly queries: Queries;
  readonly delivery: Delivery;
  readonly intake: Intake;
  /** Null until the server has answered. */
  form: FormModel | null = null;
  presets: IPresets = { tasks: [], models: [] };
  examples: IExample[] = [];
  /** Why the wizard cannot work, or a doubt about versions. */
  problem: IProblem | null = null;
  /** Something that went wrong beside the form, such as an upload. */
  notice: IProblem | null = null;
  /** The preset that was applied last, and how to take it back. */
  applied: { preset: ITaskPreset; before: Draft } | null = null;
  step: Step = 'model';
  visited = new Set<Step>();

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get trans(): TranslationBundle {
    return this._options.trans;
  }

  get host(): IHost {
    return this._options.host;
  }

  /** Ask the server who it is, then fetch what the forms are made from. May be called again. */
  async start(): Promise<void> {
    const { api, trans, version } = this._options;
    try {
      const health = await api.health();
      this.problem = versionProblem(health, version, trans);
      if (isUsable(health) && !this.form) {
        const [schema, presets, examples] = await Promise.all([
          api.schema(),
          api.presets(),
          api.examples()
        ]);
        this.presets = presets;
        this.examples = examples;
        await this._begin(new FormModel(new ConfigSchema(schema)));
      }
      if (this.form) {
        this._ask();
      }
    } catch (error) {
      this.problem = tell(error, trans);
    }
    this._emit();
  }

  set defaults(defaults: Draft) {
    this._defaults = defaults;
    if (this.form) {
      this.form.defaults = defaults;
    }
  }

  goTo(step: Step): void {
    if (step === this.step) {
      return;
    }
    this.visited.add(this.step);
    this.step = step;
    this.notice = null;
    this._save();
    this._ask();
    if (this.form && (step === 'data' || step === 'review')) {
      this.queries.askPreview(this.form, this._detected, 0); // the file may have gone since
    }
    this._emit();
  }

  move(by: 1 | -1): void {
    const next = STEPS[STEPS.indexOf(this.step) + by];
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
    const answer = this.queries.validation.state.answer;
    // What the machine says of a choice stands beside that choice too.
    const more = (this.queries.estimate.state.answer?.findings ?? []).filter(
      one => one.severity === 'warning' && this.form?.schema.field(one.where)
    );
    return this.form && answer
      ? sortFindings(this.form.schema, [...answer.findings, ...more])
      : null;
  }

  /** Findings beside a field or section: those of one that nobody came to yet are kept back. */
  findingsOf(path: string): IFinding[] {
    const all = this.findings?.places.get(path) ?? [];
    const seen = this.form?.isSet(path) || this.knows(this.form?.schema.stepOf(path));
    return seen ? all : all.filter(one => one.severity !== 'error');
  }

  /** Whether the user has seen all that a step asks for; the review names it all. */
  knows(step: Step | undefined): boolean {
    const reviewed = this.step === 'review' || this.visited.has('review');
    return reviewed || (step !== undefined && this.visited.has(step));
  }

  applyPreset(preset: ITaskPreset): void {
    if (this.form) {
      this.applied = { preset, before: this.form.apply(preset.config) };
      this._emit();
    }
  }

  undoPreset(): void {
    if (this.form && this.applied) {
      this.form.draft = this.applied.before;
      this.applied = null;
      this._emit();
    }
  }

  /** Start over; the draft before can be had back by `undoPreset`. */
  reset(): void {
    if (this.form) {
      const title = this.trans.__('Start over');
      const preset: ITaskPreset = { id: '', title, description: '', level: 'beginner', config: {} };
      this.applied = { preset, before: this.form.draft };
      this.visited.clear();
      this._detected = null;
      this.form.draft = {};
      this.goTo('model');
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

  /** Let the next look at the data settle the format; true if it was settled that way before. */
  forgetFormat(): boolean {
    const had = this._detected !== null;
    this._detected = null;
    return had;
  }

  /** Do something that may fail, and tell if it did; resolves to whether it went well. */
  async attempt(work: () => Promise<IProblem | void>): Promise<boolean> {
    this.notice = null;
    try {
      this.notice = (await work()) ?? null;
    } catch (error) {
      this.notice = tell(error, this.trans);
    }
    this._emit();
    return this.notice === null;
  }

  tellNotice(error: unknown): void {
    this.notice = tell(error, this.trans);
    this._emit();
  }

  /** An error in sentences. */
  told(error: unknown): IProblem {
    return tell(error, this.trans);
  }

  /** Draw again: what is open around the wizard has changed. */
  refresh(): void {
    this._emit();
  }

  dismissNotice(): void {
    this.notice = null;
    this._emit();
  }

  dispose(): void {
    this.queries.dispose();
    this._options.persistence.dispose();
    Signal.clearData(this);
  }

  private async _begin(form: FormModel): Promise<void> {
    const state = await this._options.persistence.load();
    form.defaults = this._defaults;
    if (state) {
      form.draft = state.draft;
      this.step = STEPS.includes(state.step) ? state.step : 'model';
      this.visited = new Set(state.visited);
      this._detected = state.detected;
    }
    this.form = form;
    form.changed.connect(this._formChanged, this);
    this.queries.askPreview(form, this._detected, 0);
    this._waiting.splice(0).forEach(work => work(form));
  }

  private _formChanged(form: FormModel): void {
    this._save();
    this.delivery.clear();
    this._ask();
    const data = JSON.stringify([
      dataSource(form),
      form.value('dataset.format'),
      form.value('dataset.columns')
    ]);
    if (data !== this._data) {
      this._data = data;
      this.queries.rendered.clear();
      this.queries.askPreview(form, this._detected);
    }
    const model = JSON.stringify([
      form.value('provider'),
      form.value('model_id'),
      form.value('revision')
    ]);
    if (model !== this._model) {
      this._model = model;
      this.queries.check.clear();
      this.queries.rendered.clear();
    }
    this._emit();
  }

  private _ask(): void {
    this.queries.validation.ask(this.step === 'review' ? this.placed : this.config);
    this._estimate();
  }

  private _estimate(): void {
    if (this.form?.value('model_id') && (this.step === 'training' || this.step === 'review')) {
      this.queries.askEstimate(this.config);
    }
  }

  /** The data was looked at: an estimate depends on it, and so may the format. */
  private _previewed(): void {
    const { answer, busy } = this.queries.preview.state;
    if (!busy) {
      this._takeFormat(answer?.format ?? null);
      this._estimate();
    }
  }

  /** Take over the detected format, unless the user chose one. */
  private _takeFormat(format: string | null): void {
    const { form } = this;
    if (!form || format === null) {
      return;
    }
    const mine = !form.isSet('dataset.format') || form.value('dataset.format') === this._detected;
    if (mine && this._detected !== format) {
      this._detected = format;
      form.set('dataset.format', format);
    }
  }

  /** Once a config is reviewed and valid, its cells are likely to be asked for. */
  private _prepare(): void {
    const { busy, answer } = this.queries.validation.state;
    if (this.step === 'review' && !busy && answer?.valid) {
      this.delivery.prepare(this.config);
    }
  }

  private _save(): void {
    const { step, visited, form } = this;
    if (form) {
      const [draft, detected] = [form.draft, this._detected];
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
  /** The format that was taken over without asking. */
  private _detected: string | null = null;
  private _data = '';
  private _model = '';
}
