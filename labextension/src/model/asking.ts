import { type ISignal, Signal } from '@lumino/signaling';

import type { Draft, IApi } from '../api';
import type { Delivery } from './delivery';
import type { FormModel } from './form';
import { Compared, Queries } from './queries';
import type { Step } from './schema';

/** What there is to ask about now. */
export interface ISituation {
  readonly form: FormModel | null;
  readonly step: Step;
  /** The config as the server gets it, and with its paths as the open notebook sees them. */
  readonly config: Draft;
  readonly placed: Draft;
}

/** Asks the server what is to be asked when the form, the step or the data change. */
export class Asking {
  constructor(
    api: IApi,
    private readonly _now: ISituation,
    private readonly _delivery: Delivery
  ) {
    this.queries = new Queries(api);
    this.queries.preview.changed.connect(this._previewed, this);
    this.queries.validation.changed.connect(this._prepare, this);
  }

  readonly queries: Queries;

  /** Another row is looked at. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The row that is looked at as the model sees it, counted from 1; of other data it is the first. */
  get row(): number {
    return this._row;
  }

  /** Look at another row: how the model sees the one before is forgotten. */
  choose(row: number): void {
    this._row = row;
    this.queries.rendered.clear();
    this._changed.emit();
  }

  /** The format that was detected and taken over without asking. */
  get detected(): string | null {
    return this._detected;
  }

  /** Begin with a form as it is. */
  begin(form: FormModel, detected: string | null): void {
    this._detected = detected;
    this._compared.compare(form, detected);
  }

  /** Ask what the form as it is now has open, and forget answers to what it no longer says. */
  formChanged(form: FormModel): void {
    const changed = this._compared.compare(form, this._detected);
    if (changed.has('source')) {
      // Rows of other data are nothing to show, nor to take columns from.
      this.queries.preview.clear();
      this._row = 1;
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
    this.ask();
  }

  /** Have the config checked, and what it takes reckoned. */
  ask(): void {
    const { config, placed, step } = this._now;
    const seen = step === 'review' ? placed : config;
    this._asked = JSON.stringify(seen);
    this.queries.validation.ask(seen);
    this._estimate();
  }

  /** Ask again in the review if the config is seen from another folder now. */
  askFromElsewhere(): void {
    const { form, step, placed } = this._now;
    if (form && step === 'review' && JSON.stringify(placed) !== this._asked) {
      this.ask();
    }
  }

  /** Look at the data anew and at once: it may be another file by now, whatever its name. */
  lookAgain(): void {
    if (this._now.form) {
      this.queries.askPreview(this._now.form, this._detected, 0);
    }
  }

  /** Let the next look at the data settle the format; true if it was settled that way before. */
  forgetFormat(): boolean {
    const had = this._detected !== null;
    this._detected = null;
    return had;
  }

  private _estimate(): void {
    const { form, step } = this._now;
    const config = JSON.stringify(this._now.config);
    if (form?.value('model_id') && (step === 'training' || step === 'review')) {
      this._estimated = config;
      this.queries.askEstimate(this._now.config);
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
    const { form } = this._now;
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
    if (this._now.step === 'review' && !busy && answer?.valid) {
      this._delivery.prepare(this._now.config);
    }
  }

  private _row = 1;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _compared = new Compared();
  private _detected: string | null = null;
  /** The configs that were validated and estimated last, as text. */
  private _asked = '';
  private _estimated = '';
}
