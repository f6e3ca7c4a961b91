import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONValue } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Draft, IApi, IExample, IFinding, IPresets, ITaskPreset } from '../api';
import { Delivery } from './delivery';
import { FindingsSorter, type ISorted } from './findings';
import { FormModel } from './form';
import type { IHost } from './host';
import { Intake } from './intake';
import { seenFrom, takeBack } from './paths';
import type { Persistence } from './persistence';
import { type IProblem, isUsable, tell, versionProblem } from './problems';
import { Compared, Queries } from './queries';
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
  /** The field that the user asked to see, a new object each time. */
  wanted: { field: string } | null = null;
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
  start(): Promise<void> {
    // Pressed twice, “Try again” must not begin a second form beside the first.
    this._starting ??= this._start().finally(() => (this._starting = null));
    return this._starting;
  }

  private async _start(): Promise<void> {
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

  /** Go to a step, and there to a field, if one is wanted. */
  goTo(step: Step, field: string | null = null): void {
    this.wanted = field === null ? null : { field };
    if (step === this.step) {
      this._emit();
      return;
    }
    this.visited.add(this.step);
    this.step = step;
    this.notice = null;
    this._save();
    this._ask();
    if (step === 'data' || step === 'review') {
      this.lookAgain(); // the file may have gone since
    }
    this._emit();
  }

  /** Look at the data anew and at once: it may be another file by now, whatever its name. */
  lookAgain(): void {
    if (this.form) {
      this.queries.askPreview(this.form, this._detected, 0);
    }
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
    const { answer } = this.queries.validation.state;
    const estimate = this.queries.estimate.state.answer;
    const { form } = this;
    return form && answer ? this._sorter.sort(form.schema, answer, estimate) : null;
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

  /** Take back what was applied or started over; what was typed since stays. */
  undoPreset(): void {
    if (this.form && this.applied) {
      const { preset, before } = this.applied;
      this.form.draft = takeBack(this.form.draft, preset.config, before);
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
      this.goTo('model');
      // After that: the step that was left is not one that the user has seen of the new config.
      this.visited.clear();
      this._detected = null;
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

  /** What is open around the wizard has changed: the config may be seen from another folder now. */
  refresh(): void {
    if (this.form && this.step === 'review' && JSON.stringify(this.placed) !== this._asked) {
      this._ask();
    }
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
    this._compared.compare(form, this._detected);
    form.changed.connect(this._formChanged, this);
    this.lookAgain();
    this._waiting.splice(0).forEach(work => work(form));
  }

  private _formChanged(form: FormModel): void {
    this._save();
    this.delivery.clear();
    const changed = this._compared.compare(form, this._detected);
    if (changed.has('source')) {
      // Rows of other data are nothing to show, nor to take columns from.
      this.queries.preview.clear();
    }
    if (changed.has('preview')) {
      this.queries.askPreview(form, this._detected);
    }
    if (changed.has('model')) {
      this.queries.check.clear();
    }
    if (changed.has('rendered')) {
      this.queries.rendered.clear();
    }
    this._ask();
    this._emit();
  }

  private _ask(): void {
    const config = this.step === 'review' ? this.placed : this.config;
    this._asked = JSON.stringify(config);
    this.queries.validation.ask(config);
    this._estimate();
  }

  private _estimate(): void {
    const config = JSON.stringify(this.config);
    if (this.form?.value('model_id') && (this.step === 'training' || this.step === 'review')) {
      this._estimated = config;
      this.queries.askEstimate(this.config);
    } else if (config !== this._estimated) {
      // Nobody looks, but its warnings stand beside fields: those of another config must not.
      this.queries.estimate.clear();
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
  private readonly _compared = new Compared();
  private readonly _sorter = new FindingsSorter();
  /** The configs that were validated and estimated last, as text. */
  private _asked = '';
  private _estimated = '';
  private _starting: Promise<void> | null = null;
}
