import type { PartialJSONObject } from '@lumino/coreutils';
import React from 'react';

import { useTrans } from './common';
import type { IControlProps } from './controls';
import { format } from './values';

/** Of more columns no list is drawn for every field: nobody would read it, and a name can be typed. */
const MOST_OFFERED = 500;

/** Which column of the data is taken for each column of the format. */
export function MappingControl(props: IControlProps) {
  const { id, names, suggestions, onChange } = props;
  const trans = useTrans();
  const given = props.value ?? {};
  const value = (typeof given === 'object' ? given : {}) as PartialJSONObject;
  const change = (name: string, actual: string) => {
    const next = { ...value };
    delete next[name];
    // A column's own name too: half of a longer one looks like it while that is typed.
    const full = actual ? { ...next, [name]: actual } : next;
    onChange(Object.keys(full).length > 0 ? full : undefined);
  };
  const all = [...new Set([...names, ...Object.keys(value)])];
  const present = suggestions.map(one => one.value);
  return (
    <div className="jp-ft-mapping" role="group" id={id} aria-labelledby={`${id}-label`}>
      {all.length === 0 && <span>{trans.__('Choose the format first.')}</span>}
      {all.map(name => (
        <React.Fragment key={name}>
          <label htmlFor={`${id}-${name}`}>{name}</label>
          <ColumnControl
            id={`${id}-${name}`}
            name={name}
            actual={format(value[name])}
            present={present.length <= MOST_OFFERED ? present : []}
            onChange={actual => change(name, actual)}
          />
        </React.Fragment>
      ))}
    </div>
  );
}

interface IColumnProps {
  id: string;
  /** The column that the format asks for. */
  name: string;
  /** The one that is taken for it; empty for the one of that name. */
  actual: string;
  /** The columns to choose from; none where they are not known. */
  present: string[];
  onChange: (actual: string) => void;
}

/** One column: typed, or chosen once it is known which ones there are. */
function ColumnControl({ id, name, actual, present, onChange }: IColumnProps) {
  const trans = useTrans();
  const known = present.length > 0;
  // Rows that come while someone is in the field must take neither focus nor what is typed.
  const [held, setHeld] = React.useState<'chosen' | 'typed' | null>(null);
  const kind = held ?? (known ? 'chosen' : 'typed');
  const common = {
    id,
    onFocus: () => setHeld(kind),
    onBlur: (event: React.FocusEvent) => {
      // In a window that goes to the back the field keeps its focus for later.
      if (document.activeElement !== event.target) {
        setHeld(null);
      }
    },
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLSelectElement>) =>
      onChange(event.target.value)
  };
  if (kind === 'typed') {
    return (
      <>
        <input
          {...common}
          type="text"
          className="jp-ft-input jp-mod-styled"
          autoComplete="off"
          spellCheck={false}
          list={`${id}-list`}
          placeholder={name}
          value={actual}
        />
        <datalist id={`${id}-list`}>
          {present.map(column => (
            <option key={column} value={column} />
          ))}
        </datalist>
      </>
    );
  }
  const offered = actual && !present.includes(actual) ? [...present, actual] : present;
  return (
    <select {...common} className="jp-ft-input jp-mod-styled" value={actual === name ? '' : actual}>
      <option value="">
        {present.includes(name) ? name : trans.__('(no column of this name)')}
      </option>
      {offered
        .filter(column => column !== name)
        .map(column => (
          <option key={column}>{column}</option>
        ))}
    </select>
  );
}
