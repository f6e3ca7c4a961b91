import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Draft, IApi, IGenerated, IGeneratedCell } from '../api';
import { holdsGenerated, type IChanges, type IKept, putCells } from './cells';
import type { IHost, INotebookTarget } from './host';
import { seenFrom } from './paths';
import { type IProblem, tell, ToldError } from './problems';

/** How far the last delivery came, as it is told to the user. */
export type Outcome =
  { kind: 'working'; message: string } | { kind: 'failed'; problem: IProblem } | IDone;

export interface IDone {
  kind: 'done';
  message: string;
  notes: string[];
  kept: IKept[];
  path?: string;
}

/** Brings what was generated to where the user wants it. */
export class Delivery {
  constructor(
    private readonly _api: IApi,
    private readonly _host: IHost,
    private readonly _trans: TranslationBundle
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get outcome(): Outcome | null {
    return this._outcome;
  }

  /** Forget what was told, as when the config changes. */
  clear(): void {
    if (this._outcome && this._outcome.kind !== 'working') {
      this._tell(null);
    }
  }

  /** Have the cells for the open notebook made ahead, so that inserting them takes no waiting. */
  prepare(config: Draft): void {
    const target = this._host.notebook();
    if (target) {
      // A failure is told when the user asks for the cells.
      this._cells(seenFrom(config, target.folder)).catch(() => undefined);
    }
  }

  /** Put the cells into the open notebook. */
  insert(config: Draft): Promise<void> {
    return this._run(this._trans.__('Generating the cells…'), async () => {
      // Checked before the request, so that the answer comes at once and nothing is generated for nothing.
      const asked = usable(this._host.notebook(), this._trans);
      const generated = await this._cells(seenFrom(config, asked.folder));
      // Read anew: the cursor may stand elsewhere by now.
      const target = this._host.notebook();
      if (target && target.shared !== asked.shared) {
        throw new ToldError(
          this._trans.__(
            '%1 came to the front while the cells for %2 were made, so nothing was inserted.',
            target.name,
            asked.name
          ),
          this._trans.__('Go to the notebook that shall have them, and press the button again.')
        );
      }
      const told = place(generated.cells, target, this._trans);
      this._placed = target;
      void this._warn(told, target);
      return told;
    });
  }

  /** Tell of a file that another tab has written: asked afterwards, so that nobody waits for it. */
  private async _warn(told: IDone, target: INotebookTarget | null): Promise<void> {
    const stale = await target?.isStale().catch(() => false);
    if (stale && this._outcome === told) {
      const note = this._trans.__(
        'Another tab or program has written %1 since it was opened here. To keep what it wrote, choose File > Reload Notebook from Disk and insert again; to keep what is here, save and choose “Overwrite”.',
        target!.name
      );
      this._tell({ ...told, notes: [...told.notes, note] });
    }
  }

  /** Make a notebook of its own and open it. */
  create(config: Draft): Promise<void> {
    return this._run(this._trans.__('Generating the notebook…'), async () => {
      const folder = this._host.folder();
      const content = await this._api.notebook(seenFrom(config, folder));
      const path = await this._host.write(folder, 'fine_tune.ipynb', content);
      await this._host.open(path);
      return done(this._trans.__('Made %1 and opened it.', path), [], [], path);
    });
  }

  /** Hand the ZIP to the browser. */
  download(config: Draft): Promise<void> {
    return this._run(this._trans.__('Packing the ZIP…'), async () => {
      this._host.download(await this._api.bundle(config), 'fine_tune.zip');
      return done(this._trans.__('Downloaded fine_tune.zip.'), [
        this._trans.__('Unpack it where the paths in its config.yaml hold.')
      ]);
    });
  }

  /** Write the config into the file browser's folder. */
  save(config: Draft): Promise<void> {
    return this._run(this._trans.__('Saving the config…'), async () => {
      const folder = this._host.folder();
      const { yaml, findings } = await this._api.validate({ config: seenFrom(config, folder) });
      if (yaml === null) {
        const first = findings.find(one => one.severity === 'error');
        throw new ToldError(
          this._trans.__('The config has errors and was not saved.'),
          first ? `${first.where}: ${first.message} ${first.hint}` : ''
        );
      }
      const path = await this._host.write(folder, 'config.yaml', yaml);
      return done(this._trans.__('Saved %1.', path), [], [], path);
    });
  }

  /** Show a cell of the notebook that got cells last, whichever is in front now. */
  async reveal(index: number): Promise<void> {
    const target = this._placed;
    try {
      if (target && this._host.notebook()?.shared !== target.shared) {
        await this._host.open(target.path);
      }
      // What was opened anew, or another view of it, has the same cells.
      const front = this._host.notebook();
      const same = target && (front?.shared === target.shared || front?.path === target.path);
      (same ? front : target)?.reveal(index);
    } catch (error) {
      this._tell({ kind: 'failed', problem: tell(error, this._trans) });
    }
  }

  /** The cells of a config; those that were made last are kept. */
  private _cells(config: Draft): Promise<IGenerated> {
    const key = JSON.stringify(config);
    if (this._made?.key !== key) {
      const cells = this._api.cells(config);
      this._made = { key, cells };
      cells.catch(() => {
        this._made = this._made?.cells === cells ? null : this._made;
      });
    }
    return this._made.cells;
  }

  private async _run(message: string, work: () => Promise<Outcome>): Promise<void> {
    if (this._outcome?.kind === 'working') {
      return; // a second click while the first is under way
    }
    this._tell({ kind: 'working', message });
    try {
      this._tell(await work());
    } catch (error) {
      this._tell({ kind: 'failed', problem: tell(error, this._trans) });
    }
  }

  private _tell(outcome: Outcome | null): void {
    this._outcome = outcome;
    this._changed.emit();
  }

  private _made: { key: string; cells: Promise<IGenerated> } | null = null;
  private _outcome: Outcome | null = null;
  private _placed: INotebookTarget | null = null;
  private readonly _changed = new Signal<this, void>(this);
}

/** Put cells into a notebook and say what was done. Throws ToldError when it cannot be. */
export function place(
  cells: IGeneratedCell[],
  notebook: INotebookTarget | null,
  trans: TranslationBundle
): IDone {
  const target = usable(notebook, trans);
  const updating = holdsGenerated(target.shared);
  const changes = putCells(target.shared, cells, target.activeIndex);
  if (changes.first >= 0) {
    target.reveal(changes.first);
  }
  const message = updating
    ? updated(changes, target.name, trans)
    : trans._n(
        'Inserted %1 cell into %2.',
        'Inserted %1 cells into %2.',
        changes.inserted,
        target.name
      );
  return done(message, notes(target, changes, trans), changes.kept);
}

function usable(target: INotebookTarget | null, trans: TranslationBundle): INotebookTarget {
  if (!target) {
    throw new ToldError(
      trans.__('No notebook is open.'),
      trans.__('Open one, or press “New notebook”.')
    );
  }
  if (target.readOnly) {
    throw new ToldError(
      trans.__('%1 is read-only, so nothing was inserted.', target.name),
      trans.__('Save a copy of it under another name, or press “New notebook”.')
    );
  }
  if (target.language !== '' && !/^i?python/i.test(target.language)) {
    throw new ToldError(
      trans.__('%1 runs %2, and the cells are Python.', target.name, target.language),
      trans.__('Choose a Python kernel for it, or press “New notebook”.')
    );
  }
  return target;
}

function updated(changes: IChanges, name: string, trans: TranslationBundle): string {
  const { replaced, inserted, removed, unchanged } = changes;
  if (changes.first < 0 && removed === 0) {
    return trans.__('%1 is up to date: nothing had to change.', name);
  }
  return trans.__(
    'Updated %1: %2 replaced, %3 added, %4 removed, %5 unchanged.',
    name,
    replaced,
    inserted,
    removed,
    unchanged
  );
}

function notes(target: INotebookTarget, changes: IChanges, trans: TranslationBundle): string[] {
  const undo = trans.__('One undo takes it back (press Esc, then Z, in the notebook).');
  const kernel = {
    ready: [],
    busy: [trans.__('Its kernel is busy: the cells can run when it has finished.')],
    dead: [trans.__('Its kernel is dead: restart it (Kernel menu) before you run them.')],
    none: [trans.__('It has no kernel: choose one before you run the cells.')]
  }[target.kernel];
  return changes.first < 0 && changes.removed === 0 ? kernel : [undo, ...kernel];
}

function done(message: string, notes: string[] = [], kept: IKept[] = [], path?: string): IDone {
  return { kind: 'done', message, notes, kept, path };
}
