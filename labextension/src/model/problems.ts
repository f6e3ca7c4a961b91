import type { TranslationBundle } from '@jupyterlab/translation';

import { ApiError, type IFinding, type IHealth } from '../api';

/** Something that went wrong, told in sentences: what, and the way out. */
export interface IProblem {
  message: string;
  hint: string;
  findings: IFinding[];
}

/** An error that already speaks to the user. */
export class ToldError extends Error {
  constructor(
    message: string,
    readonly hint = ''
  ) {
    super(message);
  }
}

/** Codes of an answer to someone who is not, or no longer, logged in. */
const LOGIN = ['http.401', 'http.403', 'server.forbidden', 'server.not_json'];

/** Put any error into sentences. */
export function tell(error: unknown, trans: TranslationBundle): IProblem {
  if (error instanceof ToldError) {
    return { message: error.message, hint: error.hint, findings: [] };
  }
  if (!(error instanceof ApiError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { message, hint: '', findings: [] };
  }
  if (error.status === 0 || [502, 503, 504].includes(error.status)) {
    return {
      message: trans.__('The Jupyter server does not answer.'),
      hint: trans.__('What you typed is kept. Start the server again, then press “Try again”.'),
      findings: []
    };
  }
  if (LOGIN.includes(error.code)) {
    return {
      message: trans.__('The server no longer accepts your login.'),
      hint: trans.__('What you typed is kept. Reload this page and log in again.'),
      findings: []
    };
  }
  if (error.status === 404 && error.code === 'http.404') {
    return {
      message: trans.__('The server part of jupyter-ft is not running.'),
      hint: trans.__(
        'In a terminal on the server, type:  pip install jupyter-ft  then restart Jupyter.'
      ),
      findings: []
    };
  }
  if (error.status === 413) {
    return {
      message: error.message || trans.__('The file is too big to send.'),
      hint:
        error.hint ||
        trans.__('Copy it into the server’s folder by other means, then pick it with “Browse…”.'),
      findings: error.findings
    };
  }
  // The first finding often is the message itself.
  const findings = error.findings.filter(one => one.message !== error.message);
  return { message: error.message, hint: error.hint, findings };
}

/** The interface of the server's routes that this front end speaks. */
const API = 1;

/** Say what to type when front end and server do not fit together; null when they do. */
export function versionProblem(
  health: IHealth,
  version: string,
  trans: TranslationBundle
): IProblem | null {
  if (health.api === API && health.version === version) {
    return null;
  }
  return {
    message: trans.__(
      'This page has jupyter-ft %1 and the server has %2.',
      version,
      health.version
    ),
    hint: trans.__(
      'In a terminal on the server, type:  pip install -U jupyter-ft  then restart Jupyter and reload this page.'
    ),
    findings: []
  };
}

/** Whether the two can work together all the same: only the version of the routes must agree. */
export function isUsable(health: IHealth): boolean {
  return health.api === API;
}
