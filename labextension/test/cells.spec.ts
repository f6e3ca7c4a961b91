import { createHash } from 'crypto';

import { YNotebook } from '@jupyter/ydoc';

import { digest, holdsGenerated, putCells } from '../src/model/cells';
import { cell } from './fakes';

function notebook(...sources: string[]): YNotebook {
  const made = YNotebook.create();
  made.insertCells(
    0,
    sources.map(source => ({ cell_type: 'code', source, metadata: {}, outputs: [] }))
  );
  made.undoManager.clear();
  return made;
}

function sources(made: YNotebook): string[] {
  return made.cells.map(one => one.getSource());
}

const A = cell('a', '# A', 'markdown');
const B = cell('b', 'b = 1');
const C = cell('c', 'c = 1');

describe('digest', () => {
  it('is the start of the SHA-256 of the UTF-8 source, as the builder writes it', () => {
    for (const text of ['', 'x = 1', 'schön — 数']) {
      expect(digest(text)).toBe(
        createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16)
      );
    }
  });
});

describe('putCells into a notebook without generated cells', () => {
  it('inserts after the cursor, code untrusted, and tells what it did', () => {
    const made = notebook('x', 'y');
    const changes = putCells(made, [A, B], 0);
    expect(sources(made)).toEqual(['x', '# A', 'b = 1', 'y']);
    expect(changes).toMatchObject({ inserted: 2, first: 1, kept: [] });
    expect(made.cells[2].getMetadata('trusted')).toBe(false);
    expect(made.cells[1].cell_type).toBe('markdown');
    expect(holdsGenerated(made)).toBe(true);
  });

  it('takes the place of an empty cell at the cursor', () => {
    const made = notebook('');
    putCells(made, [A, B], 0);
    expect(sources(made)).toEqual(['# A', 'b = 1']);
  });

  it('appends where there is no cursor', () => {
    const made = notebook('x');
    putCells(made, [A], -1);
    expect(sources(made)).toEqual(['x', '# A']);
  });

  it('is one step of undo, apart from what was typed before', () => {
    const made = notebook('x', '');
    made.transact(() => made.cells[0].setSource('typed'));
    putCells(made, [A, B, C], 1);
    made.undo();
    expect(sources(made)).toEqual(['typed', '']);
    made.redo();
    expect(sources(made)).toEqual(['typed', '# A', 'b = 1', 'c = 1']);
  });

  it('keeps the ids of the cells unless they are taken', () => {
    const made = notebook('x');
    made.insertCell(1, { cell_type: 'code', source: 'y', id: 'b', metadata: {} });
    putCells(made, [A, B], 1);
    expect(made.cells[2].id).toBe('a');
    expect(new Set(made.cells.map(one => one.id)).size).toBe(4);
  });
});

describe('putCells into a notebook with generated cells', () => {
  it('replaces, adds and removes untouched ones where they stand', () => {
    const made = notebook('mine');
    putCells(made, [A, B], 0);
    made.insertCell(2, { cell_type: 'code', source: 'between', metadata: {} });
    const changes = putCells(made, [cell('b', 'b = 2'), C], 0);
    expect(sources(made)).toEqual(['mine', 'between', 'b = 2', 'c = 1']);
    expect(changes).toMatchObject({ inserted: 1, replaced: 1, removed: 1, unchanged: 0 });
    expect(made.cells[2].id).toBe('b');
  });

  it('removes many cells without losing count', () => {
    const made = notebook('mine');
    const many = Array.from({ length: 12 }, (_, i) => cell(`t${i}`, `t = ${i}`));
    putCells(made, many, 0);
    const changes = putCells(made, [A], 0);
    expect(sources(made)).toEqual(['mine', '# A']);
    expect(changes.removed).toBe(12);
  });

  it('leaves edited cells alone and lists them with the place where they end up', () => {
    const made = notebook('mine');
    putCells(made, [B, C], 0);
    made.cells[2].setSource('c = 1  # my own');
    const changes = putCells(made, [A, B, cell('c', 'c = 2')], 0);
    expect(sources(made)).toEqual(['mine', '# A', 'b = 1', 'c = 1  # my own']);
    expect(changes.kept).toEqual([{ index: 3, template: 'c', section: 'section', outdated: true }]);
    expect(changes.unchanged).toBe(1);
  });

  it('says of an edited cell whether the new notebook differs there', () => {
    const made = notebook('mine');
    putCells(made, [B], 0);
    made.cells[1].setSource('edited');
    expect(putCells(made, [B], 0).kept[0].outdated).toBe(false);
  });

  it('updates the first of two copies and leaves the second', () => {
    const made = notebook('mine');
    putCells(made, [B], 0);
    made.insertCell(2, made.cells[1].toJSON() as never);
    const changes = putCells(made, [cell('b', 'b = 2')], 0);
    expect(sources(made)).toEqual(['mine', 'b = 2', 'b = 1']);
    expect(changes.kept).toHaveLength(1);
  });

  it('changes nothing, outputs included, when nothing changed', () => {
    const made = notebook('mine');
    putCells(made, [A, B], 0);
    const before = made.cells[2];
    expect(putCells(made, [A, B], 0)).toMatchObject({ unchanged: 2, first: -1, replaced: 0 });
    expect(made.cells[2]).toBe(before);
  });

  it('is one step of undo', () => {
    const made = notebook('mine');
    putCells(made, [A, B], 0);
    putCells(made, [cell('a', '# New', 'markdown'), C], 0);
    made.undo();
    expect(sources(made)).toEqual(['mine', '# A', 'b = 1']);
  });
});
