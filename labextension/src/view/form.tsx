import type { TranslationBundle } from '@jupyterlab/translation';
import { undoIcon } from '@jupyterlab/ui-components';
import type { PartialJSONValue } from '@lumino/coreutils';
import React from 'react';

import type { IFinding } from '../api';
import type { FormModel } from '../model/form';
import type { IField, IRange, Step } from '../model/schema';
import { Button, fieldId, Findings, useTrans } from './common';
import { Control, type IControlProps } from './controls';
import { format } from './values';

export interface IFormProps {
  form: FormModel;
  step: Step;
  /** The field or section that the user asked to see: what hides it is opened. */
  wanted?: { field: string } | null;
  findingsOf: (path: string) => IFinding[];
  onChange: (path: string, value: PartialJSONValue | undefined) => void;
  /** What is shown below a field's control, by path. */
  extras?: { [path: string]: React.ReactNode };
  /** What comes after a field, by path. */
  after?: { [path: string]: React.ReactNode };
  /** Words that are offered, by path. */
  suggestions?: { [path: string]: IControlProps['suggestions'] };
}

/** The fields of a step, as the schema has them: plain ones first, advanced ones folded. */
export function SchemaForm(props: IFormProps) {
  const { form, step, wanted, findingsOf } = props;
  const trans = useTrans();
  const fields = form.schema.fields.filter(one => one.step === step && !form.isHidden(one.path));
  const [plain, advanced] = [false, true].map(one => fields.filter(two => two.advanced === one));
  // A section of which some fields are folded stands twice, and its findings by the first.
  const begun = new Set(plain.map(field => field.section));
  const folded = new Set(advanced.map(field => field.section).filter(path => !begun.has(path)));
  const errors = [...advanced.map(field => field.path), ...folded]
    .flatMap(path => findingsOf(path))
    .filter(isError).length;
  const [open, setOpen] = React.useState(false);
  const [opened, setOpened] = React.useState<IFormProps['wanted']>(null);
  if (wanted && wanted !== opened) {
    setOpened(wanted);
    setOpen(open || folded.has(wanted.field) || advanced.some(one => one.path === wanted.field));
  }
  return (
    <div className="jp-ft-form">
      <Sections {...props} fields={plain} telling={begun} />
      {advanced.length > 0 && (
        <details
          className="jp-ft-advanced"
          open={open || errors > 0}
          onToggle={event => setOpen(event.currentTarget.open)}
        >
          <summary id={`ft-advanced-${step}`}>
            {trans.__('Advanced')} ({advanced.length})
          </summary>
          {(open || errors > 0) && <Sections {...props} fields={advanced} telling={folded} />}
        </details>
      )}
    </div>
  );
}

function isError(finding: IFinding): boolean {
  return finding.severity === 'error';
}

interface ISectionsProps extends IFormProps {
  fields: IField[];
  /** Sections whose own findings are told here. */
  telling: Set<string>;
}

/** Fields under the headings of the objects that hold them. */
function Sections({ fields, telling, ...props }: ISectionsProps) {
  const trans = useTrans();
  const groups = new Map<string, IField[]>();
  fields.forEach(field => {
    groups.set(field.section, [...(groups.get(field.section) ?? []), field]);
  });
  const rows = (some: IField[]) =>
    some.map(field => <FieldRow key={field.path} {...props} field={field} />);
  return (
    <>
      {[...groups].map(([path, some]) => {
        const section = props.form.schema.sections.get(path);
        const findings = section && telling.has(path) ? props.findingsOf(path) : [];
        const id = telling.has(path) ? fieldId(path) : undefined;
        return section ? (
          <fieldset
            key={path}
            id={id}
            className="jp-ft-section"
            data-field={path}
            tabIndex={id ? -1 : undefined}
            aria-describedby={findings.length > 0 ? `${id}-findings` : undefined}
          >
            <legend title={trans.__(section.help)}>{trans.__(section.title)}</legend>
            <Findings findings={findings} id={`${id}-findings`} />
            {rows(some)}
          </fieldset>
        ) : (
          <div key={path} className="jp-ft-section">
            {rows(some)}
          </div>
        );
      })}
    </>
  );
}

/** One field: its name, control, unit, help with range and default, and what is wrong with it. */
export function FieldRow(props: IFormProps & { field: IField }) {
  const { field, form, onChange } = props;
  const trans = useTrans();
  const id = fieldId(field.path);
  const findings = props.findingsOf(field.path);
  const value = form.value(field.path);
  const isSet = form.isSet(field.path);
  const required = form.isRequired(field);
  const title = trans.__(field.title);
  const grouped = field.kind === 'choices' || field.kind === 'mapping';
  const label = (
    <>
      {title}
      {required && <span className="jp-ft-required"> {trans.__('(required)')}</span>}
    </>
  );
  const control = (
    <Control
      field={field}
      id={id}
      value={value === null ? undefined : value}
      isSet={isSet}
      options={form.options(field)}
      names={form.restrictions.names.get(field.path) ?? []}
      suggestions={props.suggestions?.[field.path] ?? []}
      invalid={findings.some(isError)}
      required={required}
      describedBy={`${id}-help${findings.length > 0 ? ` ${id}-findings` : ''}`}
      onChange={next => onChange(field.path, next)}
    />
  );
  return (
    <div
      className={`jp-ft-field jp-ft-mod-${field.kind}${isSet ? ' jp-ft-mod-set' : ''}`}
      data-field={field.path}
    >
      <div className="jp-ft-label">
        {field.kind === 'boolean' && control}
        {grouped ? <span id={`${id}-label`}>{label}</span> : <label htmlFor={id}>{label}</label>}
        {isSet && field.default !== undefined && (
          <Button
            small
            className="jp-ft-reset"
            aria-label={trans.__('Reset “%1” to its default', title)}
            title={trans.__('Reset to the default')}
            onClick={() => onChange(field.path, undefined)}
          >
            <undoIcon.react tag="span" width="14px" height="14px" />
          </Button>
        )}
      </div>
      {field.kind !== 'boolean' && (
        <div className="jp-ft-control">
          {control}
          {field.unit && <span className="jp-ft-unit">{trans.__(field.unit)}</span>}
          {props.extras?.[field.path]}
        </div>
      )}
      <div className="jp-ft-help" id={`${id}-help`}>
        {trans.__(field.help)} <span className="jp-ft-facts">{facts(field, trans)}</span>
      </div>
      <Findings findings={findings} id={`${id}-findings`} />
      {props.after?.[field.path]}
    </div>
  );
}

/** Range and default of a field in words. */
export function facts(field: IField, trans: TranslationBundle): string {
  const parts: string[] = [];
  if (field.kind === 'number') {
    parts.push(range(field.range, trans));
    if (field.word !== null) {
      parts.push(trans.__('or %1', field.word));
    }
  }
  const fallback = format(field.default);
  if (fallback !== '' && fallback !== '{}') {
    parts.push(trans.__('default %1', fallback));
  }
  const text = parts.filter(part => part !== '').join(', ');
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}

function range({ minimum, maximum, above, below, whole }: IRange, trans: TranslationBundle) {
  const upper = maximum !== undefined ? trans.__('to %1', maximum) : '';
  const under = below !== undefined ? trans.__('below %1', below) : upper;
  const lower = minimum !== undefined ? trans.__('from %1', minimum) : '';
  const over = above !== undefined ? trans.__('above %1', above) : lower;
  const numbers = [over, under].filter(part => part !== '').join(' ');
  return whole ? trans.__('whole number %1', numbers).trim() : numbers;
}
