import type { IEstimate, IFinding, IValidation, Severity } from '../api/types';
import type { ConfigSchema, Step } from './schema';

const ORDER: Severity[] = ['error', 'warning', 'info'];

/** Findings by the field or section that they stand beside. */
export interface ISorted {
  /** By path of a field or section. */
  places: Map<string, IFinding[]>;
  counts: Map<Step, { error: number; warning: number }>;
}

/** Sorts once for all the fields that ask. */
export class FindingsSorter {
  sort(schema: ConfigSchema, answer: IValidation, estimate: IEstimate | null): ISorted {
    if (!this._sorted || this._answer !== answer || this._estimate !== estimate) {
      // What the machine says of a choice stands beside that choice too.
      const more = (estimate?.findings ?? []).filter(
        one => one.severity === 'warning' && schema.field(one.where)
      );
      this._answer = answer;
      this._estimate = estimate;
      this._sorted = sortFindings(schema, [...answer.findings, ...more]);
    }
    return this._sorted;
  }

  private _answer: IValidation | null = null;
  private _estimate: IEstimate | null = null;
  private _sorted: ISorted | null = null;
}

/** Sort the findings of a config by place and step, errors first. */
export function sortFindings(schema: ConfigSchema, findings: IFinding[]): ISorted {
  const sorted: ISorted = { places: new Map(), counts: new Map() };
  const ranked = [...findings].sort(
    (a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity)
  );
  for (const finding of ranked) {
    const place = placeOf(schema, finding.where);
    if (place !== null) {
      sorted.places.set(place, [...(sorted.places.get(place) ?? []), finding]);
    }
    // What belongs nowhere is told in the review.
    const step = place === null ? 'review' : schema.stepOf(place);
    const counts = sorted.counts.get(step) ?? { error: 0, warning: 0 };
    if (finding.severity !== 'info') {
      counts[finding.severity] += 1;
    }
    sorted.counts.set(step, counts);
  }
  return sorted;
}

/**
 * The field or section that a finding stands beside: what it names, or what holds that
 * (`dataset.columns.text`, `a.b[0]`, a key that `lora` does not have).
 */
export function placeOf(schema: ConfigSchema, where: string): string | null {
  let path = where.replace(/\[\d+\]/g, '');
  while (path !== '') {
    if (schema.field(path) || schema.sections.has(path)) {
      return path;
    }
    path = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
  }
  return null;
}
