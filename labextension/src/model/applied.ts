import type { Draft, ITaskPreset } from '../api';
import type { FormModel } from './form';
import { takeBack } from './paths';

/** What was laid over the whole draft last, a preset or an empty draft, and the way back. */
export class Applied {
  /** Null when nothing was, or it cannot be taken back any more. */
  get preset(): ITaskPreset | null {
    return this._last?.preset ?? null;
  }

  apply(form: FormModel, preset: ITaskPreset): void {
    this._last = { preset, before: form.draft };
    form.apply(preset.config);
  }

  /** Remember the draft of a form that is about to be emptied. */
  startOver(form: FormModel, title: string): void {
    const preset: ITaskPreset = { id: '', title, description: '', level: 'beginner', config: {} };
    this._last = { preset, before: form.draft };
  }

  /** Take it back; what was typed since stays. */
  undo(form: FormModel): void {
    if (this._last) {
      const { preset, before } = this._last;
      form.draft = takeBack(form.draft, preset.config, before);
      this._last = null;
    }
  }

  forget(): void {
    this._last = null;
  }

  private _last: { preset: ITaskPreset; before: Draft } | null = null;
}
