import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';

import { getAt, setAt } from './paths';
import { type IRestrictions, restrictions } from './rules';

export const STEPS = ['model', 'data', 'training', 'review'] as const;
export type Step = (typeof STEPS)[number];

/** How a field is shown; read off its type in the schema. */
export type Kind =
  | 'text'
  | 'number'
  | 'boolean'
  | 'choice'
  | 'choices'
  /** A word, or a list of names. */
  | 'list'
  /** Names to names. */
  | 'mapping'
  | 'json';

/** One field of the config, all that a form needs to know of it. */
export interface IField {
  /** Dotted path in the config. */
  path: string;
  title: string;
  help: string;
  unit: string;
  step: Step;
  /** Path of the object that holds the field, '' at the top. */
  section: string;
  advanced: boolean;
  kind: Kind;
  options: PartialJSONValue[];
  /** The word that may stand in place of a number or list. */
  word: string | null;
  required: boolean;
  range: IRange;
  default: PartialJSONValue | undefined;
}

export interface IRange {
  minimum?: number;
  maximum?: number;
  above?: number;
  below?: number;
  whole: boolean;
}

export interface ISection {
  path: string;
  title: string;
  help: string;
}

interface IConditional {
  field: string;
  in: PartialJSONValue[];
  value: PartialJSONValue;
}

/** The config schema, read for forms. */
export class ConfigSchema {
  constructor(schema: PartialJSONObject) {
    this._rules = (schema.allOf ?? []) as PartialJSONObject[];
    this.version = Number(schema['x-version'] ?? 1);
    this._read(schema, '', 'review');
  }

  readonly version: number;
  readonly fields: IField[] = [];
  readonly sections = new Map<string, ISection>();
  /** Fields that mean something only together, such as shares: one of them given, all are. */
  readonly together: string[][] = [];

  field(path: string): IField | undefined {
    return this.fields.find(field => field.path === path);
  }

  /** The step that asks for a field, or for the first field of a section. */
  stepOf(path: string): Step {
    const inside = (field: IField) => field.path === path || field.path.startsWith(`${path}.`);
    return this.fields.find(inside)?.step ?? 'review';
  }

  /** `config` with every default filled in, those that depend on other fields too. */
  complete(config: PartialJSONObject): PartialJSONObject {
    let result = config;
    for (const field of this.fields) {
      if (getAt(result, field.path) === undefined && field.default !== undefined) {
        result = setAt(result, field.path, field.default);
      }
    }
    for (const field of this.fields) {
      if (getAt(config, field.path) === undefined) {
        const found = (this._conditional.get(field.path) ?? []).find(rule =>
          rule.in.includes(getAt(result, rule.field) ?? null)
        );
        result = found ? setAt(result, field.path, found.value) : result;
      }
    }
    return result;
  }

  /** `config` without the values that are what `complete` would fill in. */
  prune(config: PartialJSONObject): PartialJSONObject {
    let result = config;
    const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
    for (const { path } of this.fields) {
      const without = setAt(result, path, undefined);
      if (same(getAt(this.complete(without), path), getAt(config, path))) {
        result = without;
      }
    }
    return result;
  }

  /** What the rules across fields mean for a complete config. */
  restrictions(complete: PartialJSONObject): IRestrictions {
    return restrictions(this._rules, complete);
  }

  private _read(schema: PartialJSONObject, path: string, step: Step): void {
    const required = (schema.required ?? []) as string[];
    const properties = (schema.properties ?? {}) as { [name: string]: PartialJSONObject };
    for (const [name, part] of Object.entries(properties)) {
      const full = path ? `${path}.${name}` : name;
      const asked = part['x-step'] as Step;
      const own = STEPS.includes(asked) ? asked : step;
      if (part.properties) {
        this.sections.set(full, { path: full, ...texts(part, name) });
        const names = (part['x-together'] ?? []) as string[];
        if (names.length > 0) {
          this.together.push(names.map(one => `${full}.${one}`));
        }
        this._read(part, full, own);
      } else {
        this.fields.push(readField(part, name, full, path, own, required.includes(name)));
        this._conditional.set(full, (part['x-default-when'] ?? []) as unknown as IConditional[]);
      }
    }
  }

  private readonly _rules: PartialJSONObject[];
  private readonly _conditional = new Map<string, IConditional[]>();
}

function texts(part: PartialJSONObject, name: string) {
  return { title: String(part.title ?? name), help: String(part.description ?? '') };
}

function readField(
  part: PartialJSONObject,
  name: string,
  path: string,
  section: string,
  step: Step,
  required: boolean
): IField {
  const alternatives = [part, ...((part.anyOf ?? []) as PartialJSONObject[])];
  const number = alternatives.find(one => types(one).some(t => t === 'number' || t === 'integer'));
  const word = alternatives.find(one => typeof one.const === 'string')?.const;
  return {
    path,
    ...texts(part, name),
    unit: String(part['x-unit'] ?? ''),
    step,
    section,
    advanced: part['x-advanced'] === true,
    kind: kindOf(part, alternatives, number),
    // Other spellings of a choice are accepted, and not offered.
    options: (part['x-options'] ??
      part.enum ??
      getAt(part, 'items.enum') ??
      []) as PartialJSONValue[],
    word: typeof word === 'string' ? word : null,
    required: required && part.default === undefined,
    range: rangeOf(number),
    default: part.default
  };
}

function types(part: PartialJSONObject): string[] {
  return Array.isArray(part.type) ? (part.type as string[]) : [String(part.type)];
}

function kindOf(
  part: PartialJSONObject,
  alternatives: PartialJSONObject[],
  number: PartialJSONObject | undefined
): Kind {
  if (getAt(part, 'items.enum')) {
    return 'choices';
  }
  if (part.enum) {
    return 'choice';
  }
  if (number) {
    return 'number';
  }
  if (part.propertyNames) {
    return 'mapping';
  }
  const all = alternatives.flatMap(types);
  if (all.includes('array')) {
    return 'list';
  }
  return all.includes('boolean') ? 'boolean' : all.includes('string') ? 'text' : 'json';
}

function rangeOf(part: PartialJSONObject | undefined): IRange {
  const bound = (name: string) => (typeof part?.[name] === 'number' ? part[name] : undefined);
  return {
    minimum: bound('minimum'),
    maximum: bound('maximum'),
    above: bound('exclusiveMinimum'),
    below: bound('exclusiveMaximum'),
    whole: part !== undefined && types(part).includes('integer')
  };
}
