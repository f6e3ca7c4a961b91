import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import React from 'react';

import type { IFinding } from '../api';
import type { IProblem } from '../model/problems';

/** The translations of the extension, for every view below. */
export const TransContext: React.Context<TranslationBundle> = React.createContext(
  nullTranslator.load('jupyter_ft')
);

export function useTrans(): TranslationBundle {
  return React.useContext(TransContext);
}

/** Draw again whenever the signal fires. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    signal.connect(redraw);
    redraw(); // it may have fired between the drawing and now
    return () => void signal.disconnect(redraw);
  }, [signal]);
}

/** The id of a field's control: `ft-hyperparams-learning_rate`. */
export function fieldId(path: string): string {
  return `ft-${path.replace(/\./g, '-')}`;
}

/** Put the cursor into a field, or the first control of one that has several; false if it takes none. */
export function focusField(path: string): boolean {
  const place = document.getElementById(fieldId(path));
  const group = place?.getAttribute('role') === 'group';
  const control = (group && place.querySelector<HTMLElement>('input, select')) || place;
  control?.focus();
  return control !== null && document.activeElement === control;
}

interface IFindingsProps {
  findings: IFinding[];
  id?: string;
  /** Name the places, where the findings do not stand beside them. */
  places?: boolean;
}

/** Findings as a list, each with its severity in words and the way out. */
export function Findings({ findings, id, places = false }: IFindingsProps) {
  const trans = useTrans();
  const names = { error: trans.__('Error'), warning: trans.__('Warning'), info: trans.__('Note') };
  if (findings.length === 0) {
    return null;
  }
  return (
    <ul className="jp-ft-findings" id={id}>
      {findings.map((one, index) => (
        <li key={index} className={`jp-ft-finding jp-ft-mod-${one.severity}`} data-code={one.code}>
          <strong>{names[one.severity]}:</strong>{' '}
          {places && one.where && <Place name={one.where} />}
          {one.message}
          {one.hint && <span className="jp-ft-hint"> {one.hint}</span>}
        </li>
      ))}
    </ul>
  );
}

/** Where a finding is; a space of its own keeps foreign writing directions inside. */
function Place({ name }: { name: string }) {
  return (
    <>
      <code>{name}</code>:{' '}
    </>
  );
}

/** Something that went wrong, with the way out and what to press. */
export function Problem(props: { problem: IProblem; children?: React.ReactNode }) {
  const { message, hint, findings } = props.problem;
  return (
    <div className="jp-ft-problem" role="alert">
      <p>
        <strong>{message}</strong>
      </p>
      {hint && <p>{hint}</p>}
      <Findings findings={findings} places />
      {props.children && <div className="jp-ft-buttons">{props.children}</div>}
    </div>
  );
}

/** What was done to many fields at once, and the way back. */
export function Undoable({ said, onUndo }: { said: string; onUndo: () => void }) {
  const trans = useTrans();
  return (
    <p className="jp-ft-suggestion" role="status">
      {said}{' '}
      <Button id="ft-undo-preset" small onClick={onUndo}>
        {trans.__('Undo')}
      </Button>
    </p>
  );
}

interface IButtonProps extends React.ButtonHTMLAttributes<HTMLButtonElement> {
  primary?: boolean;
  small?: boolean;
}

/** A button in JupyterLab's looks. */
export function Button({ primary, small, className, ...props }: IButtonProps) {
  const classes = ['jp-ft-button', 'jp-mod-styled', primary ? 'jp-mod-accept' : 'jp-mod-reject'];
  if (small) {
    classes.push('jp-ft-mod-small');
  }
  return <button type="button" {...props} className={[...classes, className ?? ''].join(' ')} />;
}

/** A number of bytes in words. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < units.length - 1) {
    [value, unit] = [value / 1000, unit + 1];
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A large count in words: `1.5 B`, `360 M`. */
export function count(value: number): string {
  const units: [number, string][] = [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k']
  ];
  const [scale, unit] = units.find(([one]) => value >= one) ?? [1, ''];
  return `${Number((value / scale).toPrecision(3))}${unit && ` ${unit}`}`;
}
