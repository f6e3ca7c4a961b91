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
  let at = active ? cursor + 1 : notebook.cells.length;
  if (active && active.getSource().trim() === '') {
    notebook.deleteCell(cursor);
    at = cursor;
  }
  notebook.insertCells(at, prepare(notebook, cells));
  changes.inserted = cells.length;
  changes.first = at;
}

function update(notebook: ISharedNotebook, cells: IGeneratedCell[], changes: IChanges): void {
  const wanted = new Map(cells.map(cell => [templateOf(cell), cell]));
  const seen = new Set<string>();
  const replace = (index: number, cell: IGeneratedCell) => {
    notebook.deleteCell(index);
    notebook.insertCells(index, prepare(notebook, [cell]));
    changes.first = changes.first < 0 ? index : changes.first;
  };
  for (let index = 0; index < notebook.cells.length; index++) {
    const here = notebook.cells[index];
    const origin = originOf(here);
    if (!origin) {
      continue;
    }
    const { template, section } = origin;
    const next = wanted.get(template);
    const copied = seen.has(template);
    seen.add(template);
    if (copied || digest(here.getSource()) !== origin.digest) {
      const outdated = next === undefined || digest(sourceOf(next)) !== origin.digest;
      changes.kept.push({ index, template, section, outdated });
    } else if (next === undefined) {
      notebook.deleteCell(index);
      index -= 1;
      changes.removed += 1;
    } else if (sourceOf(next) === here.getSource()) {
      changes.unchanged += 1;
    } else {
      replace(index, next);
      changes.replaced += 1;
    }
  }
  addMissing(notebook, cells, seen, changes);
  // Cells that were added or removed above a kept one have moved it.
  const kept = new Map(changes.kept.map(one => [one.template, one]));
  notebook.cells.forEach((cell, index) => {
    const one = kept.get(originOf(cell)?.template ?? '');
    if (one) {
      one.index = index;
    }
  });
}

/** Insert the cells that the notebook lacks, each after the one that it follows. */
function addMissing(
  notebook: ISharedNotebook,
  cells: IGeneratedCell[],
  present: Set<string>,
  changes: IChanges
): void {
  const place = (template: string) =>
    notebook.cells.findIndex(cell => originOf(cell)?.template === template);
  cells.forEach((cell, i) => {
    if (present.has(templateOf(cell))) {
      return;
    }
    const before = i > 0 ? place(templateOf(cells[i - 1])) : -1;
    const after = cells.slice(i + 1).map(templateOf).find(template => place(template) >= 0);
    const end = after === undefined ? notebook.cells.length : place(after);
    const at = before >= 0 ? before + 1 : end;
    notebook.insertCells(at, prepare(notebook, [cell]));
    changes.inserted += 1;
    changes.first = changes.first < 0 ? at : Math.min(changes.first, at);
  });
}

/** Cells as the notebook takes them: ids that are free, and untrusted until the user runs them. */
function prepare(notebook: ISharedNotebook, cells: IGeneratedCell[]): SharedCell.Cell[] {
  const taken = new Set(notebook.cells.map(cell => cell.id));
  return cells.map(cell => {
    const { id, ...rest } = cell;
    const code = cell.cell_type === 'code';
    const made = {
      ...rest,
      source: sourceOf(cell),
      metadata: code ? { ...cell.metadata, trusted: false } : cell.metadata,
      ...(code ? { outputs: [], execution_count: null } : {}),
      ...(id && !taken.has(id) ? { id } : {})
    };
    return made as unknown as SharedCell.Cell;
  });
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
