import { act, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';

import { FormModel } from '../src/model/form';
import { ConfigSchema } from '../src/model/schema';
import { fieldId, useSignal } from '../src/view/common';
import { parse } from '../src/view/values';
import { SchemaForm } from '../src/view/form';
import { schema } from './fakes';

const config = new ConfigSchema(schema);

describe('a field', () => {
  function typing(path: string) {
    const model = new FormModel(config);
    const step = config.field(path)!.step;
    const findingsOf = () => [];
    const View = ({ columns = [] as string[] }) => {
      useSignal(model.changed);
      const suggestions = { [path]: columns.map(value => ({ value, label: '' })) };
      return (
        <SchemaForm
          form={model}
          step={step}
          findingsOf={findingsOf}
          onChange={(name, value) => model.set(name, value)}
          suggestions={suggestions}
        />
      );
    };
    const { rerender } = render(<View />);
    const offer = (...columns: string[]) => rerender(<View columns={columns} />);
    return { model, field: document.getElementById(fieldId(path)) as HTMLInputElement, offer };
  }

  it.each([
    ['dataset.path', ['{"train"', 'a ', '', 'b'], 'dropped.jsonl'],
    ['hyperparams.learning_rate', ['1e-3', '1e-', '', '2'], 0.5]
  ])('shows what is typed into %s, and what is set beside it meanwhile', (path, texts, value) => {
    const { model, field } = typing(path);
    fireEvent.focus(field);
    for (const text of texts) {
      fireEvent.change(field, { target: { value: text } });
      expect(field.value).toBe(text);
    }
    act(() => model.set(path, value));
    expect(field.value).toBe(String(value));
    fireEvent.change(field, { target: { value: '' } });
    expect(field.value).toBe('');
    act(() => model.set(path, 'other'));
    expect(field.value).toBe('other');
  });

  it('takes the name of a column that begins like the column that it is for', () => {
    const { model } = typing('dataset.columns');
    act(() => model.set('dataset.format', 'csv_classification'));
    const field = document.getElementById('ft-dataset-columns-text') as HTMLInputElement;
    for (const text of ['tex', 'text', 'text_en']) {
      fireEvent.change(field, { target: { value: text } });
      expect(field.value).toBe(text);
    }
    expect(model.value('dataset.columns')).toEqual({ text: 'text_en' });
  });

  describe('of a column', () => {
    const control = () =>
      document.getElementById('ft-dataset-columns-text') as HTMLInputElement & HTMLSelectElement;
    const values = () => [...control().options].map(one => one.value);

    function column() {
      const { model, offer } = typing('dataset.columns');
      act(() => model.set('dataset.format', 'csv_classification'));
      return { model, offer };
    }

    it('stays the field that it is while someone is in it, and is a list afterwards', async () => {
      const { model, offer } = column();
      const field = control();
      await userEvent.type(field, 'que');
      field.setSelectionRange(1, 1);
      offer('question', 'label');
      expect(control()).toBe(field);
      expect(document.activeElement).toBe(field);
      expect([field.value, field.selectionStart]).toEqual(['que', 1]);
      // What came is offered for what is typed on.
      expect([...field.list!.options].map(one => one.value)).toEqual(['question', 'label']);
      await userEvent.type(field, 'stion', { initialSelectionStart: 3 });
      expect(model.value('dataset.columns')).toEqual({ text: 'question' });
      await userEvent.tab();
      expect(control().tagName).toBe('SELECT');
      expect([control().value, values()]).toEqual(['question', ['', 'question', 'label']]);
    });

    it('stays a list while someone is in it, and loses no name that is no column', () => {
      const { model, offer } = column();
      offer('question', 'label');
      const field = control();
      act(() => field.focus());
      fireEvent.change(field, { target: { value: 'question' } });
      offer();
      expect(control()).toBe(field);
      expect(field.value).toBe('question');
      act(() => field.blur());
      expect([control().tagName, control().value]).toEqual(['INPUT', 'question']);
      expect(model.value('dataset.columns')).toEqual({ text: 'question' });
    });

    it('keeps focus for when the window comes to the front again', () => {
      const { offer } = column();
      const field = control();
      act(() => field.focus());
      // The window's blur: the document's active element remains.
      fireEvent.blur(field);
      offer('question');
      expect(control()).toBe(field);
    });
  });
});

it('draws what changed between the first drawing and the first look at the signal', () => {
  const model = new FormModel(config);
  const Inner = () => {
    React.useEffect(() => model.set('seed', 7), []);
    return null;
  };
  const Outer = () => {
    useSignal(model.changed);
    return (
      <>
        <output>{String(model.value('seed'))}</output>
        <Inner />
      </>
    );
  };
  render(<Outer />);
  expect(screen.getByRole('status').textContent).toBe('7');
});

describe('parse', () => {
  it.each([
    ['hyperparams.batch_size_train', 'auto', 'auto'],
    ['hyperparams.batch_size_train', ' 4 ', 4],
    ['hyperparams.batch_size_train', '1e999', '1e999'],
    ['hyperparams.learning_rate', '.5', 0.5],
    ['hyperparams.learning_rate', '5.e-1', 0.5],
    ['lora.target_modules', 'all-linear', 'all-linear'],
    ['lora.target_modules', 'q_proj, v_proj,', ['q_proj', 'v_proj']],
    ['hyperparams.lr_scheduler_kwargs', '{"a": 1}', { a: 1 }],
    ['hyperparams.lr_scheduler_kwargs', '{"a"', '{"a"'],
    ['dataset.path', '{"train": "a"}', { train: 'a' }],
    ['dataset.path', 'a b.jsonl', 'a b.jsonl'],
    ['revision', '', undefined]
  ])('reads %s from %p as %p', (path, text, value) => {
    expect(parse(config.field(path)!, text)).toEqual(value);
  });
});

it('reads a long text that is almost a number without holding up the page', () => {
  const text = `${'9'.repeat(400_000)}!`;
  const start = performance.now();
  expect(parse(config.field('seed')!, text)).toBe(text);
  // Milliseconds where it takes time in proportion, minutes where it takes its square.
  expect(performance.now() - start).toBeLessThan(10_000);
});
