import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Draft } from '../api/types';
import { getAt, merge, setAt } from './paths';
import type { IRestrictions } from './rules';
import { type ConfigSchema, type IField } from './schema';

/**
 * The config as it is being filled in.
 *
 * Holds only what the user set (the draft); defaults are looked up. What a rule hides stays in the
 * draft, so that going back and forth between methods loses nothing, but is not sent.
 */
export class FormModel {
  constructor(readonly schema: ConfigSchema) {
    this._update();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draft(): Draft {
    return this._draft;
  }

  set draft(draft: Draft) {
    this._draft = draft;
    this._update();
    this._changed.emit();
  }

  /** What the settings give in place of the schema's defaults. */
  set defaults(defaults: Draft) {
    this._defaults = defaults;
    this._update();
    this._changed.emit();
  }

  /** Every field with its value or default. */
  get complete(): PartialJSONObject {
    return this._complete;
  }

  get restrictions(): IRestrictions {
    return this._restrictions;
  }

  value(path: string): PartialJSONValue | undefined {
    return getAt(this._complete, path);
  }

  isSet(path: string): boolean {
    return getAt(this._draft, path) !== undefined;
  }

  set(path: string, value: PartialJSONValue | undefined): void {
    if (JSON.stringify(getAt(this._draft, path)) !== JSON.stringify(value)) {
      this.draft = setAt(this._draft, path, value);
    }
  }

  /** Lay several values over the draft, as a preset does; returns the draft before. */
  apply(config: Draft): Draft {
    const before = this._draft;
    this.draft = merge(before, config);
    return before;
  }

  isHidden(path: string): boolean {
    const { hidden } = this._restrictions;
    return [...hidden].some(one => path === one || path.startsWith(`${one}.`));
  }

  isRequired(field: IField): boolean {
    return field.required || this._restrictions.needed.has(field.path);
  }

  /** What a choice offers now: what the rules leave, and the value that it has. */
  options(field: IField): PartialJSONValue[] {
    const allowed = this._restrictions.allowed.get(field.path);
    const value = this.value(field.path);
    const taken = Array.isArray(value) ? (value as PartialJSONValue[]) : [value];
    return field.options.filter(
      option => !allowed || [...allowed, ...taken].some(one => one === option)
    );
  }

  /** What is sent to the server and into the notebook. */
  get config(): Draft {
    let result = merge(this._defaults, this._draft);
    for (const group of this.schema.together) {
      // To the server those that are missing would be nothing; here they are shown at their defaults.
      if (group.some(path => getAt(result, path) !== undefined)) {
        group.forEach(path => (result = setAt(result, path, this.value(path))));
      }
    }
    for (const path of this._restrictions.hidden) {
      result = setAt(result, path, undefined);
    }
    return result;
  }

  private _update(): void {
    this._complete = this.schema.complete(merge(this._defaults, this._draft));
    this._restrictions = this.schema.restrictions(this._complete);
  }

  private _draft: Draft = {};
  private _defaults: Draft = {};
  private _complete: PartialJSONObject = {};
  private _restrictions!: IRestrictions;
  private readonly _changed = new Signal<this, void>(this);
}
