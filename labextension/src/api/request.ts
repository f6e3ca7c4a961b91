import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IFinding } from './types';

/** Where the server extension's routes are, below the server's base URL. */
const PREFIX = 'ft/api';

/** Why a request gave no answer; `status` 0 means that no server answered at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string = '',
    readonly findings: IFinding[] = []
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface IRequest {
  method?: 'GET' | 'POST';
  json?: unknown;
  accept?: string;
  signal?: AbortSignal;
}

/**
 * Send one request and return the response if it is a good one.
 *
 * The only place of the extension that talks to our routes.
 *
 * @throws ApiError for any other answer and for none; AbortError when `signal` fires.
 */
export async function request(
  route: string,
  settings: ServerConnection.ISettings,
  { method = 'GET', json, accept = 'application/json', signal }: IRequest = {}
): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept };
  if (json !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  const init: RequestInit = {
    method,
    headers,
    signal: signal ?? null,
    body: json !== undefined ? JSON.stringify(json) : null
  };
  let response: Response;
  try {
    const url = URLExt.join(settings.baseUrl, PREFIX, route);
    response = await ServerConnection.makeRequest(url, init, settings);
  } catch (error) {
    if (signal?.aborted) {
      throw new DOMException('Superseded', 'AbortError');
    }
    throw new ApiError(0, 'server.unreachable', String(error));
  }
  if (!response.ok) {
    throw await readError(response);
  }
  // A login page that comes instead of an answer is not one.
  if (accept === 'application/json' && !isJson(response)) {
    throw new ApiError(403, 'server.not_json', 'The answer is not JSON.');
  }
  return response;
}

async function readError(response: Response): Promise<ApiError> {
  try {
    const body = await response.json();
    return new ApiError(
      response.status,
      String(body.code ?? `http.${response.status}`),
      String(body.message ?? response.statusText),
      String(body.hint ?? ''),
      Array.isArray(body.findings) ? body.findings : []
    );
  } catch {
    return new ApiError(response.status, `http.${response.status}`, response.statusText);
  }
}

function isJson(response: Response): boolean {
  return (response.headers.get('Content-Type') ?? '').includes('json');
}
