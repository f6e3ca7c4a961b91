import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { Rendered } from '../src/view/data';
import { ConfigText } from '../src/view/review';
import { Wizard } from '../src/view/wizard';
import { PREVIEW, world } from './fakes';

describe('Rendered', () => {
  it('goes when another row is chosen, and asks for a row that is there', async () => {
    const { model, api } = await world();
    const rows = ['a', 'b', 'c'].map(question => ({ question, answer: 'x' }));
    api.previewed = { ...PREVIEW, rows };
    model.set('model_id', 'a/b');
    model.intake.useDataset('rows.jsonl');
    render(<Wizard model={model} />);
    const row = (await screen.findByLabelText('Row')) as HTMLSelectElement;
    fireEvent.change(row, { target: { value: '3' } });
    const button = screen.getByText('Render');
    fireEvent.click(button);
    await waitFor(() => expect(model.queries.rendered.state.answer).not.toBeNull());
    fireEvent.change(row, { target: { value: '2' } });
    expect(model.queries.rendered.state.answer).toBeNull();
    fireEvent.change(row, { target: { value: '3' } });
    api.previewed = { ...PREVIEW, rows: rows.slice(0, 1) };
    act(() => model.asking.lookAgain());
    await waitFor(() => expect(row.options).toHaveLength(1));
    fireEvent.click(button);
    await waitFor(() => expect(model.queries.rendered.state.answer).not.toBeNull());
    expect(api.asked('render').map(one => (one as { row: number }).row)).toEqual([2, 0]);
    model.dispose();
  });

  it('is of the row that was chosen last, in another step and back, and of other data the first', async () => {
    const { model, api } = await world();
    const rows = ['a', 'b', 'c'].map(question => ({ question, answer: 'x' }));
    api.previewed = { ...PREVIEW, rows };
    model.intake.useDataset('rows.jsonl');
    render(<Wizard model={model} />);
    const row = async () => (await screen.findByLabelText('Row')) as HTMLSelectElement;
    fireEvent.change(await row(), { target: { value: '3' } });
    act(() => model.goTo('training'));
    expect(screen.queryByLabelText('Row')).toBeNull();
    act(() => model.goTo('data'));
    expect((await row()).value).toBe('3');
    act(() => model.set('dataset.path', 'other.jsonl'));
    expect((await row()).value).toBe('1');
    model.dispose();
  });

  it('marks what is supervised', () => {
    const segments = [
      { text: 'Q', supervised: false },
      { text: 'A', supervised: true }
    ];
    const rendered = { segments, tokens: 2, supervised_tokens: 1, template: 'model', findings: [] };
    const { container } = render(<Rendered rendered={rendered} />);
    expect(container.querySelector('mark')!.textContent).toBe('A');
  });
});

describe('ConfigText', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const shown = (yaml: string, onCopy: () => Promise<void>) => (
    <ConfigText yaml={yaml} json="{}" busy={false} onCopy={onCopy} />
  );
  const said = () => screen.getByRole('status').textContent;
  const copy = () => act(async () => fireEvent.click(screen.getByText('Copy')));

  it('says for a moment that it was copied, and not of another text', async () => {
    const onCopy = jest.fn(async () => undefined);
    const { rerender } = render(shown('a: 1', onCopy));
    await copy();
    expect(onCopy).toHaveBeenCalledWith('a: 1');
    expect(said()).toBe('Copied.');
    act(() => void jest.advanceTimersByTime(4000));
    await copy();
    act(() => void jest.advanceTimersByTime(4000));
    expect(said()).toBe('Copied.');
    act(() => void jest.advanceTimersByTime(1000));
    expect(said()).toBe('');
    await copy();
    rerender(shown('a: 2', onCopy));
    expect(said()).toBe('');
    await copy();
    fireEvent.click(screen.getByText('JSON'));
    expect(said()).toBe('');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says for as long as the text is there what to do where copying is forbidden', async () => {
    const refuse = () => Promise.reject(new Error('no'));
    const { rerender } = render(shown('a: 1', refuse));
    await copy();
    act(() => void jest.advanceTimersByTime(60_000));
    expect(said()).toContain('Ctrl+C');
    rerender(shown('a: 2', refuse));
    expect(said()).toBe('');
  });
});
