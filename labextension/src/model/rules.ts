import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';

import { getAt } from './paths';

type Schema = PartialJSONObject;

/** What the schema's rules across fields mean for a form, for one state of the config. */
export interface IRestrictions {
  /** Fields and sections that must be absent: the form hides them. */
  hidden: Set<string>;
  /** Values that a choice may still take. */
  allowed: Map<string, PartialJSONValue[]>;
  /** Keys that a mapping may have. */
  names: Map<string, string[]>;
  /** Fields that must be filled in. */
  needed: Set<string>;
}

/** Return what the rules that hold for `config` ask for. */
export function restrictions(rules: Schema[], config: PartialJSONObject): IRestrictions {
  const found: IRestrictions = {
    hidden: new Set(),
    allowed: new Map(),
    names: new Map(),
    needed: new Set()
  };
  for (const rule of rules) {
    if (matches(rule['if'] as Schema, config)) {
      collect(rule['then'] as Schema | boolean, '', found);
    }
  }
  return found;
}

/** Whether a value meets the part of JSON Schema that conditions of the rules use. */
export function matches(condition: Schema | undefined, value: unknown): boolean {
  if (!condition) {
    return false;
  }
  const object = typeof value === 'object' && value !== null ? (value as PartialJSONObject) : {};
  const allOf = (condition.allOf ?? []) as Schema[];
  const required = (condition.required ?? []) as string[];
  const properties = Object.entries((condition.properties ?? {}) as { [name: string]: Schema });
  return (
    allOf.every(part => matches(part, value)) &&
    required.every(name => object[name] !== undefined) &&
    properties.every(([name, part]) => object[name] === undefined || matches(part, object[name])) &&
    (condition.enum === undefined || (condition.enum as unknown[]).includes(value)) &&
    (condition.const === undefined || condition.const === value)
  );
}

function collect(then: Schema | boolean | undefined, path: string, found: IRestrictions): void {
  if (typeof then !== 'object') {
    return; // `false` forbids a combination: that is a finding, not a matter of the form
  }
  const below = (name: string) => (path ? `${path}.${name}` : name);
  const forbidden = getAt(then, 'not.required') as string[] | undefined;
  forbidden?.forEach(name => found.hidden.add(below(name)));
  ((then.required ?? []) as string[]).forEach(name => found.needed.add(below(name)));
  if (then.type === 'null' || then.const !== undefined) {
    found.hidden.add(path); // one value is left: nothing to ask
  }
  const values = then.enum ?? getAt(then, 'items.enum');
  if (Array.isArray(values)) {
    found.allowed.set(path, values as PartialJSONValue[]);
  }
  const names = getAt(then, 'propertyNames.enum');
  if (Array.isArray(names)) {
    found.names.set(path, names as string[]);
  }
  for (const [name, part] of Object.entries((then.properties ?? {}) as { [n: string]: Schema })) {
    collect(part, below(name), found);
  }
}
