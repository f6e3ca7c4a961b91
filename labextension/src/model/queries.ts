import type { PartialJSONObject } from '@lumino/coreutils';

import {
  type Draft,
  type IApi,
  type IDataSize,
  type IDataSource,
  type IEstimate,
  type IModelCheck,
  type IPreview,
  type IPreviewRequest,
  type IRendered,
  type IRenderRequest,
  type IValidation
} from '../api';
import type { FormModel } from './form';
import { Latest } from './latest';

interface IModelRequest {
  provider: string;
  model_id: string;
  revision?: string;
}

interface IEstimateRequest {
  config: Draft;
  data: IDataSize | null;
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
    this.estimate = new Latest(
      ({ config, data }: IEstimateRequest, signal) => api.estimate(config, data, signal),
      CALM
    );
  }

  readonly validation: Latest<Draft, IValidation>;
  readonly preview: Latest<IPreviewRequest, IPreview>;
  readonly rendered: Latest<IRenderRequest, IRendered>;
  readonly check: Latest<IModelRequest, IModelCheck>;
  readonly estimate: Latest<IEstimateRequest, IEstimate>;

  get all(): Latest<never, unknown>[] {
    const { validation, preview, rendered, check, estimate } = this;
    return [validation, preview, rendered, check, estimate] as Latest<never, unknown>[];
  }

  /** Ask for the rows of the data that the form names, or forget them when it names none. */
  askPreview(form: FormModel, detected: string | null, delay?: number): void {
    const query = previewRequest(form, detected);
    if (query === null) {
      this.preview.clear();
    } else {
      this.preview.ask(query, delay);
    }
  }

  askModel(form: FormModel): void {
    this.check.ask(modelRequest(form));
  }

  /** Ask how the model sees one row (counted from 0). */
  askRendered(form: FormModel, row: number): void {
    this.rendered.ask(renderRequest(form, row));
  }

  /** Ask what a run takes, with the data as far as it was looked at. */
  askEstimate(config: Draft): void {
    this.estimate.ask({ config, data: sizeOf(this.preview.state.answer) });
  }

  dispose(): void {
    this.all.forEach(query => query.dispose());
  }
}

/** What the server is asked about, or what of it. */
type Question = 'source' | 'preview' | 'model' | 'rendered';

/** Notices which questions the form would ask otherwise now. */
export class Compared {
  /** Return those that are other ones than when this was called last. */
  compare(form: FormModel, detected: string | null): Set<Question> {
    const now: { [question in Question]: unknown } = {
      // Not its subset, which is chosen from what is shown of it.
      source: [filePath(form), dataSource(form)?.id],
      preview: previewRequest(form, detected),
      model: modelRequest(form),
      rendered: renderRequest(form, 0)
    };
    const names = Object.keys(now) as Question[];
    const texts = new Map(names.map(name => [name, JSON.stringify(now[name])]));
    const changed = names.filter(name => texts.get(name) !== this._before.get(name));
    this._before = texts;
    return new Set(changed);
  }

  private _before = new Map<Question, string | undefined>();
}

/** The data file that the form names: the training file, where there are several. */
export function filePath(form: FormModel): string | null {
  const path = form.isHidden('dataset.path') ? null : form.value('dataset.path');
  const one = typeof path === 'object' && path !== null ? (path as PartialJSONObject).train : path;
  return typeof one === 'string' && one.trim() !== '' ? one : null;
}

/** The data that the form names: a file, or a dataset of the hub; null when it names none. */
export function dataSource(form: FormModel): IDataSource | null {
  const path = filePath(form);
  if (path !== null) {
    return { path };
  }
  const id = form.isHidden('dataset.id') ? null : form.value('dataset.id');
  return typeof id === 'string' && id.trim() !== ''
    ? { id, ...given(form, 'dataset', 'config_name'), ...given(form, 'dataset', 'revision') }
    : null;
}

/** The request for a look at the data; `detected` is a format that nobody chose. */
export function previewRequest(form: FormModel, detected: string | null): IPreviewRequest | null {
  const source = dataSource(form);
  if (source === null) {
    return null;
  }
  const format = form.value('dataset.format');
  const columns = form.value('dataset.columns') as PartialJSONObject | undefined;
  const query: IPreviewRequest = { ...source };
  if (typeof format === 'string' && format !== detected) {
    query.format = format;
  }
  if (columns && Object.keys(columns).length > 0) {
    query.columns = columns;
  }
  return query;
}

/** The request for a look at the model. */
export function modelRequest(form: FormModel): IModelRequest {
  return {
    provider: String(form.value('provider') ?? ''),
    model_id: String(form.value('model_id') ?? ''),
    ...given(form, '', 'revision')
  };
}

/** The request for one row, counted from 0, as the model sees it. */
export function renderRequest(form: FormModel, row: number): IRenderRequest {
  const { revision, ...source } = { revision: undefined, ...dataSource(form) };
  const longest = form.value('hyperparams.max_seq_len');
  return {
    ...source,
    ...(revision === undefined ? {} : { dataset_revision: revision }),
    format: String(form.value('dataset.format') ?? ''),
    columns: form.value('dataset.columns') ?? {},
    ...modelRequest(form),
    // Beside the field it is told what is wrong with another value.
    ...(Number.isInteger(longest) ? { max_seq_len: longest as number } : {}),
    row
  };
}

/** Of data that was looked at, what an estimate needs. */
export function sizeOf(preview: IPreview | null): IDataSize | null {
  const { rows, length } = (preview?.statistics ?? {}) as {
    rows?: number;
    length?: { mean: number; longest_bytes: number };
  };
  if (!preview || !rows || !length) {
    return null;
  }
  const size: IDataSize = { characters: length.mean };
  if (preview.estimated_rows !== null) {
    size.rows = preview.estimated_rows;
  }
  if (preview.complete) {
    size.longest_bytes = length.longest_bytes;
  }
  return size;
}

/** The server takes a text or nothing, and no null. */
function given<N extends string>(form: FormModel, section: string, name: N): { [n in N]?: string } {
  const value = form.value(section ? `${section}.${name}` : name);
  const full = typeof value === 'string' && value !== '';
  return (full ? { [name]: value } : {}) as { [n in N]?: string };
}
