import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';

import { ApiError, type ITaskPreset } from '../src/api';
import { FormModel } from '../src/model/form';
import { ConfigSchema } from '../src/model/schema';
import { Preview } from '../src/view/data';
import { MemoryBar } from '../src/view/facts';
import { SchemaForm } from '../src/view/form';
import { Wizard } from '../src/view/wizard';
import { finding, PREVIEW, schema, world } from './fakes';

const config = new ConfigSchema(schema);

async function violations(container: Element): Promise<string[]> {
  // Colours need a real browser; the browser tests look at them.
  const rules = { 'color-contrast': { enabled: false }, region: { enabled: false } };
  return (await axe.run(container, { rules })).violations.map(one => one.id);
}

function form(step: 'model' | 'training', onChange = jest.fn()) {
  const model = new FormModel(config);
  const findingsOf = (path: string) => (path === 'hyperparams.num_epochs' ? [finding(path)] : []);
  const view = render(
    <SchemaForm form={model} step={step} findingsOf={findingsOf} onChange={onChange} />
  );
  return { ...view, onChange };
}

describe('SchemaForm', () => {
  it('names every control, with help, range, unit and default', async () => {
    const { container } = form('training');
    const field = screen.getByLabelText(/^Epochs/);
    expect(field).toHaveProperty('value', '1');
    const help = document.getElementById('ft-hyperparams-num_epochs-help')!;
    expect(help.textContent).toContain('Above 0 to 1000, default 1.');
    expect(field.closest('.jp-ft-field')!.textContent).toContain('epochs');
    expect(await violations(container)).toEqual([]);
  });

  it('folds what is advanced', () => {
    form('training');
    expect(screen.queryByLabelText(/^Maximum steps/)).toBeNull();
    const details = document.querySelector('details')!;
    details.open = true;
    fireEvent(details, new Event('toggle'));
    expect(screen.getByLabelText(/^Maximum steps/)).toBeTruthy();
  });

  it('puts a finding beside its field and tells assistive technology', () => {
    form('training');
    const field = screen.getByLabelText(/^Epochs/);
    expect(field.getAttribute('aria-invalid')).toBe('true');
    const list = document.getElementById('ft-hyperparams-num_epochs-findings')!;
    expect(list.textContent).toContain('Error: wrong: hyperparams.num_epochs mend it');
    expect(field.getAttribute('aria-describedby')).toContain(list.id);
  });

  it('hands out numbers, and text that is none as it was typed', () => {
    const { onChange } = form('training');
    const field = screen.getByLabelText(/^Epochs/);
    fireEvent.focus(field);
    fireEvent.change(field, { target: { value: '2e-1' } });
    fireEvent.change(field, { target: { value: '2e-' } });
    expect(field).toHaveProperty('value', '2e-');
    fireEvent.change(field, { target: { value: '' } });
    expect(onChange.mock.calls.map(call => call[1])).toEqual([0.2, '2e-', undefined]);
  });
});

describe('Preview', () => {
  it('offers the detected format and mapping, each for one click', async () => {
    const [onFormat, onColumns] = [jest.fn(), jest.fn()];
    const props = { preview: PREVIEW, columns: {}, onFormat, onColumns };
    const { container, rerender } = render(<Preview {...props} format="jsonl_chat" />);
    fireEvent.click(screen.getByText('Use jsonl_instr'));
    expect(onFormat).toHaveBeenCalledWith('jsonl_instr');
    rerender(<Preview {...props} format="jsonl_instr" />);
    fireEvent.click(screen.getByText('Use this mapping'));
    expect(onColumns).toHaveBeenCalledWith({ instruction: 'question', output: 'answer' });
    expect(within(screen.getByRole('table')).getByText('Because.')).toBeTruthy();
    expect(await violations(container)).toEqual([]);
  });

  it('shows what the parts of a content say, and which are no text', () => {
    const content = [
      { type: 'text', text: 'Look ' },
      { type: 'text', text: 'here' },
      { type: 'image_url' }
    ];
    const preview = {
      ...PREVIEW,
      columns: ['messages'],
      rows: [{ messages: [{ role: 'user', content }] }]
    };
    render(
      <Preview
        preview={preview}
        format={undefined}
        columns={{}}
        onFormat={jest.fn()}
        onColumns={jest.fn()}
      />
    );
    expect(screen.getByText('user: Look here[image_url]')).toBeTruthy();
  });

  it('shows the first of very many columns', () => {
    const columns = Array.from({ length: 1000 }, (_, i) => `c${i}`);
    const preview = { ...PREVIEW, columns, rows: [{ c0: 'a' }] };
    const props = { preview, columns: {}, onFormat: jest.fn(), onColumns: jest.fn() };
    const { container } = render(<Preview {...props} format={undefined} />);
    expect(container.querySelectorAll('td')).toHaveLength(100);
    expect(container.querySelector('caption')!.textContent).toContain('900 columns more');
  });

  it('shows hostile text as text', () => {
    const row = { question: '<img src=x onerror=alert(1)>', answer: '{{7*7}}' };
    const preview = { ...PREVIEW, rows: [row], name: '<b>rows</b>' };
    const { container } = render(
      <Preview
        preview={preview}
        format={undefined}
        columns={{}}
        onFormat={jest.fn()}
        onColumns={jest.fn()}
      />
    );
    expect(container.querySelector('img, b')).toBeNull();
    expect(container.textContent).toContain('<img src=x onerror=alert(1)>');
  });
});

describe('ModelStep', () => {
  it('tells licence and context of a model that is known, before the hub is asked', async () => {
    const { model } = await world();
    const known = { id: 'a/b', title: 'Small', licence: 'mit', context: 2048, parameters: 135e6 };
    model.catalogue.presets = { tasks: [], models: [known] };
    model.set('model_id', 'a/b');
    const { container } = render(<Wizard model={model} />);
    const said = container.querySelector('#ft-preset-facts')!.textContent;
    expect(said).toBe('Small: licence mit · context 2048 tokens · 135 M parameters');
    expect(await violations(container)).toEqual([]);
    model.dispose();
  });
});

describe('Wizard', () => {
  it('tells in the review that the file of the data has gone', async () => {
    const { model, api } = await world();
    model.intake.useDataset('rows.jsonl');
    api.preview = async () => {
      throw new ApiError(404, 'server.no_file', 'There is no rows.jsonl.', 'Pick another.');
    };
    model.goTo('review');
    render(<Wizard model={model} />);
    expect((await screen.findByRole('alert')).textContent).toBe(
      'There is no rows.jsonl.Pick another.'
    );
    expect(document.querySelector('#ft-no-findings')).toBeNull();
    model.dispose();
  });

  it.each([
    ['hyperparams.max_steps', 'ft-hyperparams-max_steps'],
    ['dataset.columns', 'ft-dataset-columns-text'],
    ['artifacts.save_steps', 'ft-artifacts-save_steps']
  ])('goes from a finding to its field, folded or not: %s', async (where, id) => {
    const { model, api } = await world();
    api.findings = () => [finding(where, 'warning')];
    model.form!.draft = { dataset: { format: 'csv_classification' } };
    model.goTo('review');
    render(<Wizard model={model} />);
    fireEvent.click(await screen.findByRole('button', { name: where }));
    await waitFor(() => expect(document.activeElement?.id).toBe(id));
    model.dispose();
  });

  it('lets a column be typed where too many to list are there', async () => {
    const { model, api } = await world();
    const columns = Array.from({ length: 600 }, (_, index) => `c${index}`);
    api.previewed = { ...PREVIEW, columns };
    model.form!.draft = { dataset: { format: 'csv_classification', path: 'wide.csv' } };
    model.goTo('data');
    render(<Wizard model={model} />);
    await screen.findByRole('table');
    const field = document.getElementById('ft-dataset-columns-text')!;
    expect(field.tagName).toBe('INPUT');
    fireEvent.change(field, { target: { value: 'c555' } });
    expect(model.form!.value('dataset.columns')).toEqual({ text: 'c555' });
    model.dispose();
  });

  it('does not tell twice that a config is invalid: it has no estimate', async () => {
    const { model } = await world();
    const error = new ApiError(400, 'config.invalid', 'Nothing was made.');
    const state = jest.spyOn(model.queries.estimate, 'state', 'get');
    state.mockReturnValue({ answer: null, busy: false, error });
    model.goTo('training');
    const { rerender } = render(<Wizard model={model} />);
    expect(screen.queryByRole('alert')).toBeNull();
    const other = new ApiError(500, 'server.error', 'It broke.');
    state.mockReturnValue({ answer: null, busy: false, error: other });
    rerender(<Wizard model={model} />);
    expect(screen.getByRole('alert').textContent).toContain('It broke.');
    model.dispose();
  });

  it.each([
    [0.2, 'less than a minute'],
    [600, 'about 10 min'],
    [7 * 3600, 'about 7 h']
  ])('says of %s seconds that training takes %s', async (time_seconds, told) => {
    const { api, model } = await world();
    const estimate = { ...(await api.estimate({}, null)), time_seconds };
    const { rerender } = render(<MemoryBar estimate={estimate} busy={false} />);
    const bar = screen.getByLabelText('Memory estimate');
    expect(bar.textContent).toContain(`(trains in ${told})`);
    expect(bar.getAttribute('aria-busy')).toBe('false');
    rerender(<MemoryBar estimate={estimate} busy={true} />);
    expect(bar.getAttribute('aria-busy')).toBe('true');
    model.dispose();
  });

  it('marks findings and config as old for as long as a newer answer is awaited', async () => {
    const { model } = await world();
    model.goTo('review');
    render(<Wizard model={model} />);
    const copy = await screen.findByRole('button', { name: 'Copy' });
    const parts = ['#ft-config-text', '#ft-no-findings', '.jp-ft-places'];
    const marks = () => parts.map(one => document.querySelector(one)!.getAttribute('aria-busy'));
    const old = (expected: boolean) => {
      expect(marks()).toEqual(parts.map(() => String(expected)));
      expect(copy).toHaveProperty('disabled', expected);
    };
    await waitFor(() => old(false));
    act(() => model.set('hyperparams.max_steps', 3));
    old(true);
    await waitFor(() => old(false));
    model.dispose();
  });

  it('offers to take a preset back where it was applied, and nowhere else', async () => {
    const { model } = await world();
    const config = { hyperparams: { num_epochs: 3 } };
    const preset: ITaskPreset = { id: 'a', title: 'A', description: '', level: 'beginner', config };
    model.catalogue.presets = { tasks: [preset], models: [] };
    model.goTo('training');
    model.applyPreset(preset);
    const { rerender } = render(<Wizard model={model} />);
    expect(document.querySelector('#ft-undo-preset')).not.toBeNull();
    model.goTo('review');
    rerender(<Wizard model={model} />);
    expect(document.querySelector('#ft-undo-preset')).toBeNull();
    model.dispose();
  });

  it.each(['model', 'data', 'training', 'review'] as const)(
    'has no violation of accessibility at the step %s',
    async step => {
      const { model } = await world();
      model.goTo(step);
      const { container } = render(<Wizard model={model} />);
      expect(screen.getByRole('heading', { level: 2 }).textContent).toContain('of 4');
      expect(await violations(container)).toEqual([]);
      model.dispose();
    }
  );
});
