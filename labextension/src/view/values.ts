import type { PartialJSONValue } from '@lumino/coreutils';

import type { IField } from '../model/schema';

export type Value = PartialJSONValue | undefined;

/** Show a value as the text that gives it back. */
export function format(value: Value): string {
  if (value === undefined || value === null) {
    return '';
  }
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) {
    return value.join(', ');
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * Read what was typed into a field.
 *
 * What does not fit stays the text that it is: the server says what is wrong, and nothing is lost.
 */
export function parse(field: IField, text: string): Value {
  const trimmed = text.trim();
  if (trimmed === '') {
    return undefined;
  }
  if (field.kind === 'number') {
    // Linear in the text's length, and nothing that JSON has no number for.
    const number = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(trimmed);
    return number && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
  }
  if (field.kind === 'list') {
    const names = trimmed.split(',').map(name => name.trim());
    return trimmed === field.word ? trimmed : names.filter(name => name !== '');
  }
  if (field.kind === 'json' || trimmed.startsWith('{')) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return text;
    }
  }
  return text;
}
