import { getAt, merge, seenFrom, seenFromRoot, setAt, takeBack } from '../src/model/paths';

describe('getAt and setAt', () => {
  it('read, write and remove without touching the original', () => {
    const root = { a: { b: 1, c: 2 } };
    const changed = setAt(root, 'a.b', 3);
    expect(getAt(changed, 'a.b')).toBe(3);
    expect(getAt(root, 'a.b')).toBe(1);
    expect(getAt(root, 'a.x.y')).toBeUndefined();
    expect(setAt(setAt(changed, 'a.b', undefined), 'a.c', undefined)).toEqual({});
  });
});

describe('takeBack', () => {
  it('takes back what was laid over, and nothing that was typed since', () => {
    const before = { seed: 1, lora: { r: 4 } };
    const laid = { lora: { r: 8, alpha: 16 }, logs: { every: 5 } };
    const now = { ...merge(before, laid), seed: 2, lora: { r: 8, alpha: 99 }, model_id: 'a/b' };
    const back = { seed: 2, lora: { r: 4, alpha: 99 }, model_id: 'a/b' };
    expect(takeBack(now, laid, before)).toEqual(back);
  });

  it('lays what was typed since over what was taken away', () => {
    const back = takeBack({ seed: 2 }, {}, { seed: 1, model_id: 'a/b' });
    expect(back).toEqual({ seed: 2, model_id: 'a/b' });
  });
});

describe('merge', () => {
  it('goes into objects and replaces lists', () => {
    expect(merge({ a: { b: 1, l: [1] } }, { a: { l: [2] }, c: 1 })).toEqual({
      a: { b: 1, l: [2] },
      c: 1
    });
  });
});

describe('paths seen from a folder', () => {
  const config = (path: string) => ({ dataset: { path } });

  it.each([
    ['', 'data/rows.jsonl', 'data/rows.jsonl'],
    ['work', 'data/rows.jsonl', '../data/rows.jsonl'],
    ['data', 'data/rows.jsonl', 'rows.jsonl'],
    ['a/b', 'rows.jsonl', '../../rows.jsonl'],
    ['work', '/abs/rows.jsonl', '/abs/rows.jsonl'],
    ['work', '~/rows.jsonl', '~/rows.jsonl'],
    ['work', 'C:\\rows.jsonl', 'C:\\rows.jsonl']
  ])('from %p, %p is %p', (folder, path, seen) => {
    expect(seenFrom(config(path), folder)).toEqual(config(seen));
    expect(seenFromRoot(config(seen), folder)).toEqual(config(path));
  });

  it('goes for one file a split, and for a local model, not for a hub id', () => {
    const files = { dataset: { path: { train: 'a.jsonl', val: 'b.jsonl' } } };
    expect(seenFrom(files, 'w')).toEqual({
      dataset: { path: { train: '../a.jsonl', val: '../b.jsonl' } }
    });
    expect(seenFrom({ provider: 'hf_local', model_id: 'm' }, 'w').model_id).toBe('../m');
    expect(seenFrom({ model_id: 'org/m' }, 'w').model_id).toBe('org/m');
  });

  it('leaves what is not a path as it was typed', () => {
    expect(seenFrom({ dataset: { path: 7 } }, 'w')).toEqual({ dataset: { path: 7 } });
    expect(seenFrom(config(''), 'w')).toEqual(config(''));
  });
});
