import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { PathExt } from '@jupyterlab/coreutils';

function isObject(value: unknown): value is PartialJSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a dotted path, undefined where there is none. */
export function getAt(root: PartialJSONObject, path: string): PartialJSONValue | undefined {
  let value: PartialJSONValue | undefined = root;
  for (const name of path.split('.')) {
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

/** A copy of `root` with `value` at a dotted path; undefined removes it, and what became empty. */
export function setAt(
  root: PartialJSONObject,
  path: string,
  value: PartialJSONValue | undefined
): PartialJSONObject {
  const [name, ...rest] = path.split('.');
  const copy = { ...root };
  if (rest.length === 0) {
    if (value === undefined) {
      delete copy[name];
    } else {
      copy[name] = value;
    }
    return copy;
  }
  const inner = Object.hasOwn(root, name) && isObject(root[name]) ? root[name] : {};
  const changed = setAt(inner, rest.join('.'), value);
  if (value === undefined && Object.keys(changed).length === 0) {
    delete copy[name];
  } else {
    copy[name] = changed;
  }
  return copy;
}

/** `over` laid upon `base`, object by object; lists and scalars are replaced. */
export function merge(base: PartialJSONObject, over: PartialJSONObject): PartialJSONObject {
  const result = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const under = result[name];
    result[name] = isObject(value) && isObject(under) ? merge(under, value) : value;
  }
  return result;
}

/**
 * `draft` without what `laid` put there: each value that is still the laid one is as in `before`.
 * Where nothing was laid, as when all was taken away, what is in `draft` lies over `before`.
 */
export function takeBack(
  draft: PartialJSONObject,
  laid: PartialJSONObject,
  before: PartialJSONObject
): PartialJSONObject {
  const paths = leaves(laid);
  if (paths.length === 0) {
    const own = ['path', 'id'].some(name => getAt(draft, `dataset.${name}`) !== undefined);
    // Columns and splits that were set for other data say nothing of this.
    return merge(own ? setAt(before, 'dataset', undefined) : before, draft);
  }
  const same = (path: string) =>
    JSON.stringify(getAt(draft, path)) === JSON.stringify(getAt(laid, path));
  return paths
    .filter(same)
    .reduce((result, path) => setAt(result, path, getAt(before, path)), draft);
}

/** The paths of all values that are no objects. */
function leaves(root: PartialJSONObject, prefix = ''): string[] {
  return Object.entries(root).flatMap(([name, value]) =>
    isObject(value) ? leaves(value, `${prefix}${name}.`) : [`${prefix}${name}`]
  );
}

/** True for a path that means the same from every folder. */
function isFixed(path: string): boolean {
  return /^(\/|~|[A-Za-z]:[\\/]|\\\\)/.test(path);
}

/** Apply `change` to every path of a config that is relative to a folder. */
function changePaths(config: PartialJSONObject, change: (path: string) => string) {
  const moved = (path: string) => (path.trim() === '' || isFixed(path) ? path : change(path));
  let result = config;
  const data = getAt(config, 'dataset.path');
  if (typeof data === 'string') {
    result = setAt(result, 'dataset.path', moved(data));
  } else if (isObject(data)) {
    const files = Object.entries(data).map(([k, v]) => [k, typeof v === 'string' ? moved(v) : v]);
    result = setAt(result, 'dataset.path', Object.fromEntries(files));
  }
  const model = getAt(config, 'model_id');
  if (getAt(config, 'provider') === 'hf_local' && typeof model === 'string') {
    result = setAt(result, 'model_id', moved(model));
  }
  return result;
}

/** A config whose paths start at the server's root, as seen from a notebook in `folder`. */
export function seenFrom(config: PartialJSONObject, folder: string): PartialJSONObject {
  if (folder === '') {
    return config;
  }
  return changePaths(config, path => PathExt.relative(`/${folder}`, `/${path}`));
}

/** The reverse: a config that lies in `folder`, with paths from the server's root. */
export function seenFromRoot(config: PartialJSONObject, folder: string): PartialJSONObject {
  return folder === '' ? config : changePaths(config, path => PathExt.join(folder, path));
}
