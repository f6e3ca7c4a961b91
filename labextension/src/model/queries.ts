import type { PartialJSONObject } from '@lumino/coreutils';

import {
  type Draft,
  type IApi,
  type IEstimate,
  type IModelCheck,
  type IPreview,
  type IRendered,
  type IRenderRequest,
  type IValidation
} from '../api';
import type { FormModel } from './form';
import { Latest } from './latest';

interface IPreviewRequest {
  path: string;
  format?: string;
  columns?: PartialJSONObject;
}

interface IModelRequest {
  provider: string;
  model_id: string;
  revision?: string;
}

/** Milliseconds of quiet before a question goes out: quick for findings, calmer for work. */
const QUICK = 25;
const CALM = 350;

/** The questions that the wizard has open at the server, each with its last answer. */
export class Queries {
  constructor(api: IApi) {
    this.validation = new Latest(
      (config: Draft, signal) => api.validate({ config }, signal),
      QUICK
    );
    this.preview = new Latest((query: IPreviewRequest, signal) => api.preview(query, signal), CALM);
    this.rendered = new Latest((query: IRenderRequest, signal) => api.render(query, signal));
    this.check = new Latest((query: IModelRequest, signal) => api.checkModel(query, signal));
    this.estimate = new Latest((config: Draft, signal) => api.estimate(config, signal), CALM);
  }

  readonly validation: Latest<Draft, IValidation>;
  readonly preview: Latest<IPreviewRequest, IPreview>;
  readonly rendered: Latest<IRenderRequest, IRendered>;
  readonly check: Latest<IModelRequest, IModelCheck>;
  readonly estimate: Latest<Draft, IEstimate>;

  get all(): Latest<never, unknown>[] {
    const { validation, preview, rendered, check, estimate } = this;
    return [validation, preview, rendered, check, estimate] as Latest<never, unknown>[];
  }

  /** Ask for the rows of the file that the form names, or forget them when it names none. */
  askPreview(form: FormModel, detected: string | null, delay?: number): void {
    const path = filePath(form);
    if (path === null) {
      this.preview.clear();
      return;
    }
    const format = form.value('dataset.format');
    const columns = form.value('dataset.columns') as PartialJSONObject | undefined;
    const query: IPreviewRequest = { path };
    if (typeof format === 'string' && format !== detected) {
      query.format = format;
    }
    if (columns && Object.keys(columns).length > 0) {
      query.columns = columns;
    }
    this.preview.ask(query, delay);
  }

  askModel(form: FormModel): void {
    this.check.ask({
      provider: String(form.value('provider') ?? ''),
      model_id: String(form.value('model_id') ?? ''),
      ...revisionOf(form)
    });
  }

  /** Ask how the model sees one row (counted from 0). */
  askRendered(form: FormModel, row: number): void {
    this.rendered.ask({
      path: filePath(form) ?? '',
      format: String(form.value('dataset.format') ?? ''),
      columns: form.value('dataset.columns') ?? {},
      provider: String(form.value('provider') ?? ''),
      model_id: String(form.value('model_id') ?? ''),
      ...revisionOf(form),
      row
    });
  }

  dispose(): void {
    this.all.forEach(query => query.dispose());
  }
}

/** The data file that the form names: the training file, where there are several. */
export function filePath(form: FormModel): string | null {
  const path = form.isHidden('dataset.path') ? null : form.value('dataset.path');
  const one = typeof path === 'object' && path !== null ? (path as PartialJSONObject).train : path;
  return typeof one === 'string' && one.trim() !== '' ? one : null;
}

/** The server takes a revision or none, and no null. */
function revisionOf(form: FormModel): { revision?: string } {
  const value = form.value('revision');
  return typeof value === 'string' && value !== '' ? { revision: value } : {};
}
