import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

/** What a `Latest` knows now. While a new answer is fetched, the last one stays. */
export interface ILatestState<A> {
  busy: boolean;
  answer: A | null;
  error: unknown;
}

/**
 * A question asked again and again, of which only the last one counts.
 *
 * A new `ask` withdraws the one before: its answer never shows, whenever it comes.
 */
export class Latest<Q, A> implements IDisposable {
  constructor(
    private readonly _fetch: (question: Q, signal: AbortSignal) => Promise<A>,
    /** Milliseconds of quiet before a question is sent. */
    private readonly _delay = 0
  ) {}

  get state(): ILatestState<A> {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  ask(question: Q, delay = this._delay): void {
    this._withdraw();
    if (this._disposed) {
      return;
    }
    const control = new AbortController();
    this._control = control;
    this._set({ ...this._state, busy: true });
    if (delay > 0) {
      this._timer = setTimeout(() => void this._send(question, control), delay);
    } else {
      void this._send(question, control);
    }
  }

  /** Forget question and answer. */
  clear(): void {
    this._withdraw();
    if (this._state.busy || this._state.answer !== null || this._state.error !== null) {
      this._set({ busy: false, answer: null, error: null });
    }
  }

  dispose(): void {
    this._withdraw();
    this._disposed = true;
    Signal.clearData(this);
  }

  private _withdraw(): void {
    clearTimeout(this._timer);
    this._control?.abort();
  }

  private async _send(question: Q, control: AbortController): Promise<void> {
    try {
      const answer = await this._fetch(question, control.signal);
      if (!control.signal.aborted) {
        this._set({ busy: false, answer, error: null });
      }
    } catch (error) {
      if (!control.signal.aborted) {
        this._set({ busy: false, answer: null, error });
      }
    }
  }

  private _set(state: ILatestState<A>): void {
    this._state = state;
    this._changed.emit();
  }

  private _state: ILatestState<A> = { busy: false, answer: null, error: null };
  private readonly _changed = new Signal<this, void>(this);
  private _control: AbortController | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _disposed = false;
}
