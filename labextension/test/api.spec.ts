import { ServerConnection } from '@jupyterlab/services';

import { Api, ApiError } from '../src/api';
import { tell, versionProblem } from '../src/model/problems';
import { trans } from './fakes';

type Answer = { status?: number; body?: string; type?: string } | Error;

/** An Api whose server gives one answer. */
function apiWith(answer: Answer) {
  const fetch = jest.fn(async (request: Request) => {
    if (answer instanceof Error) {
      throw answer;
    }
    const { status = 200, body = '{}', type = 'application/json' } = answer;
    return new Response(body, { status, headers: { 'Content-Type': type, 'X-Url': request.url } });
  });
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/base/',
    fetch: fetch as never,
    token: 'secret'
  });
  return { api: new Api(settings), fetch };
}

async function failure(answer: Answer): Promise<ApiError> {
  const error = await apiWith(answer)
    .api.health()
    .catch(reason => reason);
  expect(error).toBeInstanceOf(ApiError);
  return error;
}

describe('Api', () => {
  it('asks below the base URL, with the token and what it accepts', async () => {
    const { api, fetch } = apiWith({ body: '{"cells": []}' });
    await api.cells({ model_id: 'a' });
    const request = fetch.mock.calls[0][0];
    expect(request.url).toMatch(/^http:\/\/localhost\/base\/ft\/api\/generate_notebook/);
    expect(request.method).toBe('POST');
    expect(request.headers.get('Authorization')).toBe('token secret');
    expect(request.headers.get('Accept')).toBe('application/json');
    expect(await request.json()).toEqual({ config: { model_id: 'a' } });
  });

  it('asks for the notebook by its type', async () => {
    const { api, fetch } = apiWith({ body: '{"cells": []}' });
    await api.notebook({});
    expect(fetch.mock.calls[0][0].headers.get('Accept')).toBe('application/x-ipynb+json');
  });

  it('makes names safe for the address', async () => {
    const { api, fetch } = apiWith({ body: 'text', type: 'text/plain' });
    await api.example('../a b?.csv');
    expect(fetch.mock.calls[0][0].url).toContain('ft/api/examples/..%2Fa%20b%3F.csv');
  });

  it('turns the error body into an error with findings', async () => {
    const one = { code: 'c', severity: 'error', where: 'seed', message: 'm', hint: 'h' };
    const body = { code: 'config.invalid', message: 'Invalid.', findings: [one], hint: 'Mend.' };
    const error = await failure({ status: 400, body: JSON.stringify(body) });
    expect(error).toMatchObject({ status: 400, code: 'config.invalid', findings: [one] });
    expect(tell(error, trans)).toEqual({ message: 'Invalid.', hint: 'Mend.', findings: [one] });
  });

  it.each([
    [new TypeError('Failed to fetch'), 'The Jupyter server does not answer.'],
    [{ status: 502, body: '<html>' }, 'The Jupyter server does not answer.'],
    [{ status: 403, body: '{"message": "Forbidden"}' }, 'no longer accepts your login'],
    [{ status: 200, body: '<html>login', type: 'text/html' }, 'no longer accepts your login'],
    [{ status: 404, body: '<html>' }, 'server part of jupyter-ft is not running']
  ] as [Answer, string][])('tells %p in a sentence with the way out', async (answer, sentence) => {
    const problem = tell(await failure(answer), trans);
    expect(problem.message).toContain(sentence);
    expect(problem.hint).not.toBe('');
  });

  it('tells of a file that may not be read in the server’s words', async () => {
    const body = { code: 'server.outside', message: 'Outside.', findings: [], hint: 'Inside.' };
    const problem = tell(await failure({ status: 403, body: JSON.stringify(body) }), trans);
    expect(problem.message).toBe('Outside.');
  });

  it('withdraws a request', async () => {
    const control = new AbortController();
    control.abort();
    const { api } = apiWith(new DOMException('x', 'AbortError') as unknown as Error);
    await expect(api.validate({ config: {} }, control.signal)).rejects.toMatchObject({
      name: 'AbortError'
    });
  });
});

describe('versionProblem', () => {
  const health = { version: '0.1.0', api: 1, schema_version: 1, python: '3', server: '2' };

  it('is quiet when both agree and says what to type when not', () => {
    expect(versionProblem(health, '0.1.0', trans)).toBeNull();
    const problem = versionProblem({ ...health, version: '0.2.0' }, '0.1.0', trans)!;
    expect(problem.message).toContain('0.2.0');
    expect(problem.hint).toContain('pip install');
  });
});
