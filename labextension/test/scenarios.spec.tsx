import { readFileSync } from 'fs';
import { join } from 'path';
import { isDeepStrictEqual } from 'util';

import { act, cleanup, fireEvent, render } from '@testing-library/react';
import React from 'react';

import type { Draft, IFinding } from '../src/api';
import { placeOf } from '../src/model/findings';
import type { WizardModel } from '../src/model/wizard';
import { fieldId } from '../src/view/common';
import { Wizard } from '../src/view/wizard';
import { settle, world } from './fakes';

interface IScenario {
  name: string;
  /** What is typed or chosen, field by field. */
  typed?: [string, string | boolean][];
  /** The config that the server is asked about then. */
  config?: Draft;
  /** In place of both: a config file. */
  text?: string;
  /** What the server says of it; `tests/server/test_scenarios.py` holds it to that. */
  findings: (IFinding & { beside?: string })[];
}

const scenarios: IScenario[] = JSON.parse(
  readFileSync(join(__dirname, '../../tests/support/scenarios.json'), 'utf8')
);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  cleanup();
  jest.useRealTimers();
});

function unfold(): void {
  document.querySelectorAll('details').forEach(details => {
    details.open = true;
    fireEvent(details, new Event('toggle'));
  });
}

async function go(model: WizardModel, step: WizardModel['step']): Promise<void> {
  await act(async () => {
    model.goTo(step);
    await settle();
  });
}

/** Type into a field as a person does, at the step where it is asked for. */
async function type(model: WizardModel, path: string, text: string | boolean): Promise<void> {
  await go(model, model.form!.schema.stepOf(path));
  unfold();
  const control = document.getElementById(fieldId(path))!;
  await act(async () => {
    if (control instanceof HTMLSelectElement) {
      fireEvent.change(control, { target: { value: JSON.stringify(text) } });
      expect(control.value).toBe(JSON.stringify(text));
    } else if (typeof text === 'boolean') {
      fireEvent.click(control);
    } else {
      fireEvent.focus(control);
      fireEvent.change(control, { target: { value: text } });
      expect(control).toHaveProperty('value', text);
      fireEvent.blur(control);
    }
    await settle();
  });
}

/** What a list item tells, as text. */
function told(finding: IFinding): string {
  const names = { error: 'Error', warning: 'Warning', info: 'Note' };
  const hint = finding.hint ? ` ${finding.hint}` : '';
  return `${names[finding.severity]}: ${finding.message}${hint}`;
}

function texts(selector: string): (string | null)[] {
  return [...document.querySelectorAll(selector)].map(one => one.textContent);
}

describe('what was typed', () => {
  const cases = scenarios.filter(one => one.typed).map(one => [one.name, one] as const);
  it.each(cases)('%s', async (_, { typed, config, findings }) => {
    const { model, api } = await world();
    api.findings = asked => (isDeepStrictEqual(asked, config) ? findings : []);
    api.preview = () => new Promise(() => undefined); // the file plays no part here
    render(<Wizard model={model} />);
    for (const [path, text] of typed!) {
      await type(model, path, text);
    }
    await go(model, 'review');
    expect(api.asked('validate').at(-1)).toEqual({ config });
    // All of them in the review, in the server's order and words, each with its place ...
    expect(texts('.jp-ft-places > li .jp-ft-finding')).toEqual(findings.map(told));
    expect(texts('.jp-ft-places > li > :first-child')).toEqual(findings.map(one => one.where));
    // ... and each beside its field.
    for (const finding of findings) {
      const { schema } = model.form!;
      expect(placeOf(schema, finding.where)).toBe(finding.beside);
      await go(model, schema.stepOf(finding.beside!));
      unfold();
      const beside = `#${fieldId(finding.beside!)}-findings`;
      expect(texts(`[data-field="${finding.beside}"] ${beside} > li`)).toContain(told(finding));
    }
    model.dispose();
  });
});

describe('what a file says', () => {
  const cases = scenarios
    .filter(one => one.text !== undefined)
    .map(one => [one.name, one] as const);
  it.each(cases)('%s', async (_, { text, findings }) => {
    const { model, api, host } = await world();
    host.read = async () => text!;
    api.validate = async source => {
      const mine = 'text' in source && source.text === text;
      return { valid: false, findings: mine ? findings : [], config: null, yaml: null };
    };
    render(<Wizard model={model} />);
    await act(async () => {
      model.set('seed', 7);
      await model.intake.loadConfig('work/config.yaml');
      await settle();
    });
    expect(texts('.jp-ft-problem .jp-ft-finding')).toEqual(
      findings.map(one => told(one).replace(': ', `: ${one.where}: `))
    );
    expect(model.form!.draft).toEqual({ seed: 7 });
    expect(document.querySelector('.jp-ft-problem b, .jp-ft-problem img')).toBeNull();
    model.dispose();
  });
});
