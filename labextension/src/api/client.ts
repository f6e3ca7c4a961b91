import type { ServerConnection } from '@jupyterlab/services';
import type { PartialJSONObject } from '@lumino/coreutils';

import { request } from './request';
import type {
  Draft,
  IDataSize,
  IEstimate,
  IExample,
  IGenerated,
  IHealth,
  IModelCheck,
  IPresets,
  IPreview,
  IPreviewRequest,
  IRendered,
  IRenderRequest,
  IValidation
} from './types';

/** What the wizard asks of the server, one method a route. */
export interface IApi {
  health(): Promise<IHealth>;
  schema(): Promise<PartialJSONObject>;
  presets(): Promise<IPresets>;
  examples(): Promise<IExample[]>;
  example(name: string): Promise<string>;
  validate(
    source: { config: Draft } | { text: string },
    signal?: AbortSignal
  ): Promise<IValidation>;
  cells(config: Draft): Promise<IGenerated>;
  notebook(config: Draft): Promise<PartialJSONObject>;
  bundle(config: Draft): Promise<Blob>;
  preview(query: IPreviewRequest, signal?: AbortSignal): Promise<IPreview>;
  render(query: IRenderRequest, signal?: AbortSignal): Promise<IRendered>;
  checkModel(
    query: { provider: string; model_id: string; revision?: string },
    signal?: AbortSignal
  ): Promise<IModelCheck>;
  estimate(config: Draft, data: IDataSize | null, signal?: AbortSignal): Promise<IEstimate>;
}

/** The routes of a running server. */
export class Api implements IApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  health(): Promise<IHealth> {
    return this._get('health');
  }

  schema(): Promise<PartialJSONObject> {
    return this._get('schema');
  }

  presets(): Promise<IPresets> {
    return this._get('presets');
  }

  async examples(): Promise<IExample[]> {
    return (await this._get<{ examples: IExample[] }>('examples')).examples;
  }

  async example(name: string): Promise<string> {
    const route = `examples/${encodeURIComponent(name)}`;
    return (await request(route, this._settings, { accept: '*/*' })).text();
  }

  validate(
    source: { config: Draft } | { text: string },
    signal?: AbortSignal
  ): Promise<IValidation> {
    return this._post('validate', source, signal);
  }

  cells(config: Draft): Promise<IGenerated> {
    return this._post('generate_notebook', { config });
  }

  async notebook(config: Draft): Promise<PartialJSONObject> {
    const accept = 'application/x-ipynb+json';
    return (await this._generate(config, accept)).json();
  }

  async bundle(config: Draft): Promise<Blob> {
    return (await this._generate(config, 'application/zip')).blob();
  }

  preview(query: IPreviewRequest, signal?: AbortSignal): Promise<IPreview> {
    return this._post('datasets/preview', query, signal);
  }

  render(query: IRenderRequest, signal?: AbortSignal): Promise<IRendered> {
    return this._post('datasets/render', query, signal);
  }

  checkModel(
    query: { provider: string; model_id: string; revision?: string },
    signal?: AbortSignal
  ): Promise<IModelCheck> {
    return this._post('models/check', query, signal);
  }

  estimate(config: Draft, data: IDataSize | null, signal?: AbortSignal): Promise<IEstimate> {
    return this._post('estimate', { config, data }, signal);
  }

  private async _get<T>(route: string): Promise<T> {
    return (await request(route, this._settings)).json();
  }

  private async _post<T>(route: string, json: unknown, signal?: AbortSignal): Promise<T> {
    return (await request(route, this._settings, { method: 'POST', json, signal })).json();
  }

  private _generate(config: Draft, accept: string): Promise<Response> {
    return request('generate_notebook', this._settings, {
      method: 'POST',
      json: { config },
      accept
    });
  }
}
