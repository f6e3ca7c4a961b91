import type { IStateDB } from '@jupyterlab/statedb';
import type { PartialJSONObject, ReadonlyPartialJSONValue } from '@lumino/coreutils';

import type { Draft } from '../api/types';
import type { Step } from './schema';

/** What outlives a reload. */
export interface IWizardState extends PartialJSONObject {
  version: 1;
  /** Milliseconds since 1970: which of two copies is newer. */
  saved: number;
  step: Step;
  draft: Draft;
  /** Steps that the user has left once: their findings are shown in full. */
  visited: Step[];
  /** The format that was detected and taken over without asking, if any. */
  detected: string | null;
}

/** A store that writes at once, such as the browser's localStorage and sessionStorage. */
export interface IInstantStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const KEY = 'jupyter-ft:wizard';

/**
 * Keeps the wizard's state in JupyterLab's state database and, at once, in a store of the browser.
 *
 * The database reaches the server after a while and only if the server answers; a reload right
 * after a keystroke, or with the server gone, would lose it. Two tabs share both: what one of them
 * holds is in a store of its own, and comes first there. The browser keeps one store for all servers
 * at an address, such as those of a hub: `base`, the path of this one, tells them apart.
 */
export class Persistence {
  constructor(
    private readonly _db: IStateDB | null,
    private readonly _shared: IInstantStore | null,
    private readonly _own: IInstantStore | null,
    private readonly _delay = 250,
    base = '/'
  ) {
    this._key = base === '/' ? KEY : `${KEY}:${base}`;
  }

  async load(): Promise<IWizardState | null> {
    const own = read(this._own, this._key);
    if (own) {
      return own;
    }
    const found = [read(this._shared, this._key)];
    try {
      found.push(check((await this._db?.fetch(KEY)) ?? null));
    } catch {
      found.push(null); // a database that cannot be read holds nothing for us
    }
    const states = found.filter(state => state !== null);
    return states.sort((a, b) => b.saved - a.saved)[0] ?? null;
  }

  save(state: IWizardState): void {
    for (const store of [this._own, this._shared]) {
      try {
        store?.setItem(this._key, JSON.stringify(state));
      } catch {
        // full or forbidden: the database still has it
      }
    }
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._db?.save(KEY, state as ReadonlyPartialJSONValue).catch(() => undefined);
    }, this._delay);
  }

  dispose(): void {
    clearTimeout(this._timer);
  }

  private readonly _key: string;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

function read(store: IInstantStore | null, key: string): IWizardState | null {
  try {
    return check(JSON.parse(store?.getItem(key) ?? 'null'));
  } catch {
    return null; // forbidden, or not ours
  }
}

function check(value: unknown): IWizardState | null {
  const state = value as IWizardState | null;
  const good = state?.version === 1 && typeof state.draft === 'object' && state.draft !== null;
  const visited = Array.isArray(state?.visited) ? state.visited : [];
  return good ? { ...state, visited, detected: state.detected ?? null } : null;
}
