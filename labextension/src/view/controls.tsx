import type { PartialJSONValue } from '@lumino/coreutils';
import React from 'react';

import type { IField } from '../model/schema';
import { useTrans } from './common';
import { MappingControl } from './mapping';
import { format, parse, type Value } from './values';

/** What every control gets; `onChange(undefined)` means "the default". */
export interface IControlProps {
  field: IField;
  id: string;
  value: Value;
  /** Whether the value was set, and is no default. */
  isSet: boolean;
  options: PartialJSONValue[];
  /** Keys that a mapping may have. */
  names: string[];
  /** Words that are offered while typing, or the values of a mapping. */
  suggestions: { value: string; label: string }[];
  invalid: boolean;
  required: boolean;
  describedBy: string;
  onChange: (value: Value) => void;
}

/** The control of a field, by its kind. */
export function Control(props: IControlProps) {
  switch (props.field.kind) {
    case 'boolean':
      return <BooleanControl {...props} />;
    case 'choice':
      return <ChoiceControl {...props} />;
    case 'choices':
      return <ChoicesControl {...props} />;
    case 'mapping':
      return <MappingControl {...props} />;
    default:
      return <TextControl {...props} />;
  }
}

function aria({ id, invalid, describedBy, required }: IControlProps) {
  return {
    id,
    'aria-invalid': invalid || undefined,
    'aria-describedby': describedBy || undefined,
    'aria-required': required || undefined
  };
}

function TextControl(props: IControlProps) {
  const { field, value, suggestions, onChange, id } = props;
  // While the cursor is in it, the field shows what was typed: "1e-" must not turn into something else.
  const [typed, setTyped] = React.useState<string | null>(null);
  const shown = format(value);
  const [before, setBefore] = React.useState(shown);
  if (shown !== before) {
    // Changed by what was typed, or else by something beside it, such as a file that was dropped.
    setBefore(shown);
    const mine = typed?.trim() === '' ? !props.isSet : shown === format(parse(field, typed ?? ''));
    setTyped(typed === null || mine ? typed : shown);
  }
  const number = field.kind === 'number';
  const list = suggestions.length > 0 ? `${id}-list` : undefined;
  return (
    <>
      <input
        {...aria(props)}
        type="text"
        className={`jp-ft-input jp-mod-styled${number ? ' jp-ft-mod-number' : ''}`}
        inputMode={number && field.word === null ? 'decimal' : 'text'}
        autoComplete="off"
        spellCheck={false}
        list={list}
        value={typed ?? shown}
        onFocus={() => setTyped(shown)}
        onBlur={() => setTyped(null)}
        onChange={event => {
          setTyped(event.target.value);
          onChange(parse(field, event.target.value));
        }}
      />
      {list && (
        <datalist id={list}>
          {suggestions.map(one => (
            <option key={one.value} value={one.value} label={one.label} />
          ))}
        </datalist>
      )}
    </>
  );
}

function BooleanControl(props: IControlProps) {
  return (
    <input
      {...aria(props)}
      type="checkbox"
      className="jp-mod-styled"
      checked={props.value === true}
      onChange={event => props.onChange(event.target.checked)}
    />
  );
}

function ChoiceControl(props: IControlProps) {
  const { value, onChange } = props;
  const trans = useTrans();
  // A value that came from a file is shown even if it is none of the choices.
  const foreign = value !== undefined && !props.options.includes(value);
  const options = foreign ? [...props.options, value] : props.options;
  return (
    <select
      {...aria(props)}
      className="jp-ft-input jp-mod-styled"
      value={value === undefined ? '' : JSON.stringify(value)}
      onChange={event => onChange(event.target.value ? JSON.parse(event.target.value) : undefined)}
    >
      {value === undefined && <option value="">{trans.__('Choose…')}</option>}
      {options.map(option => (
        <option key={JSON.stringify(option)} value={JSON.stringify(option)}>
          {format(option)}
        </option>
      ))}
    </select>
  );
}

function ChoicesControl(props: IControlProps) {
  const { id, options, value, onChange } = props;
  const chosen = Array.isArray(value) ? value : [];
  return (
    <div className="jp-ft-choices" role="group" id={id} aria-labelledby={`${id}-label`}>
      {options.map(option => (
        <label key={format(option)}>
          <input
            type="checkbox"
            className="jp-mod-styled"
            checked={chosen.includes(option)}
            onChange={event =>
              onChange(
                event.target.checked
                  ? options.filter(one => one === option || chosen.includes(one))
                  : chosen.filter(one => one !== option)
              )
            }
          />
          {format(option)}
        </label>
      ))}
    </div>
  );
}
