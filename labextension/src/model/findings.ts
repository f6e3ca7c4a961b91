import type { IFinding, Severity } from '../api/types';
import type { ConfigSchema, Step } from './schema';

const ORDER: Severity[] = ['error', 'warning', 'info'];

/** Findings by the field that they stand beside. */
export interface ISorted {
  /** By field path. */
  fields: Map<string, IFinding[]>;
  /** By step, those that no field is named for. */
  steps: Map<Step, IFinding[]>;
  counts: Map<Step, { error: number; warning: number }>;
}

/** Sort the findings of a config by field and step, errors first. */
export function sortFindings(schema: ConfigSchema, findings: IFinding[]): ISorted {
  const sorted: ISorted = { fields: new Map(), steps: new Map(), counts: new Map() };
  const ranked = [...findings].sort(
    (a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity)
  );
  for (const finding of ranked) {
    const field = fieldOf(schema, finding.where);
    const step = field ? schema.field(field)!.step : stepOf(schema, finding.where);
    push(field ? sorted.fields : sorted.steps, field ?? step, finding);
    const counts = sorted.counts.get(step) ?? { error: 0, warning: 0 };
    if (finding.severity !== 'info') {
      counts[finding.severity] += 1;
    }
    sorted.counts.set(step, counts);
  }
  return sorted;
}

/** The field that a place lies in: itself, or what holds it (`dataset.columns.text`, `a.b[0]`). */
export function fieldOf(schema: ConfigSchema, where: string): string | null {
  let path = where.replace(/\[\d+\]/g, '');
  while (path !== '') {
    if (schema.field(path)) {
      return path;
    }
    path = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
  }
  return null;
}

function stepOf(schema: ConfigSchema, where: string): Step {
  const section = where.split('.')[0];
  return schema.fields.find(field => field.section === section)?.step ?? 'review';
}

function push<K>(map: Map<K, IFinding[]>, key: unknown, finding: IFinding): void {
  map.set(key as K, [...(map.get(key as K) ?? []), finding]);
}
