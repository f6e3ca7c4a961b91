import type { ISharedNotebook, SharedCell } from '@jupyter/ydoc';
import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils';

import type { ICellOrigin, IGeneratedCell } from '../api/types';

/** A generated cell that stays as it is, because the user edited or copied it. */
export interface IKept {
  index: number;
  template: string;
  section: string;
  /** True when the new notebook would have another text here. */
  outdated: boolean;
}

export interface IChanges {
  inserted: number;
  replaced: number;
  removed: number;
  unchanged: number;
  kept: IKept[];
  /** Index of the first cell that is new, -1 when none is. */
  first: number;
}

/** What the builder writes into a cell's metadata: 16 hex digits of the source's SHA-256. */
export function digest(source: string): string {
  return bytesToHex(sha256(utf8ToBytes(source))).slice(0, 16);
}

export function sourceOf(cell: { source: string | string[] }): string {
  return Array.isArray(cell.source) ? cell.source.join('') : cell.source;
}

/** Whether a notebook holds cells that were generated. */
export function holdsGenerated(notebook: ISharedNotebook): boolean {
  return notebook.cells.some(cell => originOf(cell) !== null);
}

/**
 * Put generated cells into a notebook, as one step of undo.
 *
 * A notebook without generated cells gets them after the cell at `cursor` (in place of it, when it
 * is empty). In one that holds some, cells that nobody touched are replaced, added or removed where
 * they stand; what the user edited stays and is listed.
 */
export function putCells(
  notebook: ISharedNotebook,
  cells: IGeneratedCell[],
  cursor: number
): IChanges {
  const changes: IChanges = {
    inserted: 0,
    replaced: 0,
    removed: 0,
    unchanged: 0,
    kept: [],
    first: -1
  };
  stopCapturing(notebook);
  notebook.transact(() => {
    if (holdsGenerated(notebook)) {
      update(notebook, cells, changes);
    } else {
      insert(notebook, cells, cursor, changes);
    }
  });
  stopCapturing(notebook);
  return changes;
}

function insert(
  notebook: ISharedNotebook,
  cells: IGeneratedCell[],
  cursor: number,
  changes: IChanges
): void {
  const active = notebook.cells[cursor];
  const at = active ? cursor + 1 : notebook.cells.length;
  const taken = new Set(notebook.cells.map(cell => cell.id));
  notebook.insertCells(
    at,
    cells.map(cell => prepare(cell, taken))
  );
  const empty = active?.getSource().trim() === '';
  if (empty) {
    // Last: an active cell that goes first has JupyterLab ask all commands anew, twice.
    notebook.deleteCell(cursor);
  }
  changes.inserted = cells.length;
  changes.first = empty ? cursor : at;
}

/** What becomes of one cell; `template` is null for a cell that is not ours. */
interface IStep {
  action: 'leave' | 'replace' | 'remove' | 'insert';
  template: string | null;
  cell?: IGeneratedCell;
  kept?: IKept;
}

function update(notebook: ISharedNotebook, cells: IGeneratedCell[], changes: IChanges): void {
  const steps = plan(notebook, cells, changes);
  const taken = new Set(
    notebook.cells.filter((_, i) => steps[i].action === 'leave').map(cell => cell.id)
  );
  addMissing(steps, cells);
  // Inside a transaction the notebook's list of cells is the old one: only positions count here.
  let at = 0;
  for (const { action, cell, kept } of steps) {
    if (action === 'replace' || action === 'remove') {
      notebook.deleteCell(at);
    }
    if (action === 'replace' || action === 'insert') {
      notebook.insertCell(at, prepare(cell!, taken));
      changes.first = changes.first < 0 ? at : changes.first;
    }
    if (kept) {
      kept.index = at;
    }
    changes.inserted += Number(action === 'insert');
    changes.replaced += Number(action === 'replace');
    changes.removed += Number(action === 'remove');
    at += Number(action !== 'remove');
  }
}

/** Decide on each cell that is there. */
function plan(notebook: ISharedNotebook, cells: IGeneratedCell[], changes: IChanges): IStep[] {
  const wanted = new Map(cells.map(cell => [templateOf(cell), cell]));
  const seen = new Set<string>();
  return notebook.cells.map((here, index): IStep => {
    const origin = originOf(here);
    if (!origin) {
      return { action: 'leave', template: null };
    }
    const { template, section } = origin;
    const cell = wanted.get(template);
    const copied = seen.has(template);
    seen.add(template);
    if (copied || digest(here.getSource()) !== origin.digest) {
      const outdated = cell === undefined || digest(sourceOf(cell)) !== origin.digest;
      const kept = { index, template, section, outdated };
      changes.kept.push(kept);
      return { action: 'leave', template, kept };
    }
    if (cell === undefined) {
      return { action: 'remove', template };
    }
    if (sourceOf(cell) === here.getSource()) {
      changes.unchanged += 1;
      return { action: 'leave', template };
    }
    return { action: 'replace', template, cell };
  });
}

/** Add the cells that the notebook lacks, each after the one that it follows. */
function addMissing(steps: IStep[], cells: IGeneratedCell[]): void {
  const place = (template: string) => steps.findIndex(step => step.template === template);
  cells.forEach((cell, i) => {
    const template = templateOf(cell);
    if (place(template) >= 0) {
      return;
    }
    const before = i > 0 ? place(templateOf(cells[i - 1])) : -1;
    const after = cells
      .slice(i + 1)
      .map(templateOf)
      .find(one => place(one) >= 0);
    const end = after === undefined ? steps.length : place(after);
    steps.splice(before >= 0 ? before + 1 : end, 0, { action: 'insert', template, cell });
  });
}

/** A cell as the notebook takes it: with an id that is free, and untrusted until the user runs it. */
function prepare(cell: IGeneratedCell, taken: Set<string>): SharedCell.Cell {
  const { id, ...rest } = cell;
  const code = cell.cell_type === 'code';
  const free = id !== undefined && !taken.has(id);
  taken.add(id ?? '');
  const made = {
    ...rest,
    source: sourceOf(cell),
    metadata: code ? { ...cell.metadata, trusted: false } : cell.metadata,
    ...(code ? { outputs: [], execution_count: null } : {}),
    ...(free ? { id } : {})
  };
  return made as unknown as SharedCell.Cell;
}

function templateOf(cell: IGeneratedCell): string {
  return cell.metadata.jupyter_ft?.template ?? '';
}

function originOf(cell: ISharedNotebook['cells'][number]): ICellOrigin | null {
  const origin = cell.getMetadata('jupyter_ft') as Partial<ICellOrigin> | undefined;
  return typeof origin?.template === 'string' && typeof origin.digest === 'string'
    ? { ...(origin as ICellOrigin), section: origin.section ?? '' }
    : null;
}

/** Keep what was typed just before or after from joining our step of undo. */
function stopCapturing(notebook: ISharedNotebook): void {
  const manager = (notebook as { undoManager?: { stopCapturing(): void } }).undoManager;
  manager?.stopCapturing();
}
