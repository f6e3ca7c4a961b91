import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IProblem, tell } from './problems';

/** Something that went wrong beside the form, such as an upload; the last one is told. */
export class Notices {
  constructor(private readonly _trans: TranslationBundle) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get last(): IProblem | null {
    return this._last;
  }

  /** Do something that may fail, and tell if it did; resolves to whether it went well. */
  async attempt(work: () => Promise<IProblem | void>): Promise<boolean> {
    this._last = null;
    try {
      this._last = (await work()) ?? null;
    } catch (error) {
      this._last = tell(error, this._trans);
    }
    this._changed.emit();
    return this._last === null;
  }

  tell(error: unknown): void {
    this._last = tell(error, this._trans);
    this._changed.emit();
  }

  /** Take back what was told. */
  dismiss(): void {
    if (this._last !== null) {
      this._last = null;
      this._changed.emit();
    }
  }

  private _last: IProblem | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
