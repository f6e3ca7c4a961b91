import { ApiError } from '../src/api';
import { FakeApi, FakeStore, finding, PREVIEW, settle, world } from './fakes';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('data', () => {
  it('looks at a file and takes over its format until the user chooses one', async () => {
    const { model, api } = await world();
    model.intake.useDataset('data/rows.jsonl');
    await settle();
    expect(model.step).toBe('data');
    expect(api.asked('preview')[0]).toEqual({ path: 'data/rows.jsonl' });
    expect(model.form!.value('dataset.format')).toBe('jsonl_instr');
    model.set('dataset.format', 'jsonl_prompt');
    await settle();
    expect(model.form!.value('dataset.format')).toBe('jsonl_prompt');
    expect(api.asked('preview').at(-1)).toEqual({
      path: 'data/rows.jsonl',
      format: 'jsonl_prompt'
    });
  });

  it('looks again when the user comes to the review: the file may have gone', async () => {
    const { model, api } = await world();
    model.intake.useDataset('data/rows.jsonl');
    await settle();
    const before = api.asked('preview').length;
    model.goTo('review');
    await settle();
    expect(api.asked('preview').length).toBeGreaterThan(before);
  });

  it('looks at a dataset of the hub as at a file, and renders its rows', async () => {
    const { model, api } = await world();
    model.set('dataset.source', 'hf_dataset_id');
    model.set('dataset.id', 'owner/data');
    model.set('dataset.revision', 'v1');
    model.set('model_id', 'a/b');
    await settle();
    expect(api.asked('preview').at(-1)).toEqual({ id: 'owner/data', revision: 'v1' });
    expect(model.form!.value('dataset.format')).toBe('jsonl_instr');
    model.queries.askRendered(model.form!, 3);
    await settle();
    expect(api.asked('render')).toEqual([
      {
        id: 'owner/data',
        dataset_revision: 'v1',
        format: 'jsonl_instr',
        columns: {},
        provider: 'hf_hub',
        model_id: 'a/b',
        max_seq_len: 1024,
        row: 3
      }
    ]);
  });

  it('shows nothing of other data while rows are fetched', async () => {
    const { model } = await world();
    model.intake.useDataset('one.jsonl');
    await settle();
    model.queries.askRendered(model.form!, 0);
    await settle();
    const { preview, rendered } = model.queries;
    expect(rendered.state.answer).not.toBeNull();
    // The same rows, read in another way, stay in sight.
    model.set('dataset.format', 'jsonl_prompt');
    expect(preview.state).toMatchObject({ busy: true, answer: PREVIEW });
    expect(rendered.state.answer).toBeNull();
    model.set('dataset.path', 'two.jsonl');
    expect(preview.state).toMatchObject({ busy: true, answer: null });
  });

  it('asks once for rows of which the format is taken over', async () => {
    const { model, api } = await world();
    model.intake.useDataset('rows.jsonl');
    await settle();
    expect(model.form!.value('dataset.format')).toBe('jsonl_instr');
    expect(api.asked('preview')).toEqual([{ path: 'rows.jsonl' }]);
  });

  it('looks again at a file that is chosen again: it may have been mended', async () => {
    const { model, api } = await world();
    model.intake.useDataset('rows.jsonl');
    await settle();
    api.calls = [];
    model.intake.useDataset('rows.jsonl');
    await settle();
    expect(api.asked('preview')).toEqual([{ path: 'rows.jsonl' }]);
  });

  it('keeps what was asked of model and data when something else is typed after a reload', async () => {
    const store = new FakeStore();
    const first = await world(store);
    first.model.set('model_id', 'a/b');
    first.model.set('dataset.path', 'rows.jsonl');
    await settle();
    const { model, api } = await world(store);
    model.queries.askModel(model.form!);
    await settle();
    api.calls = [];
    model.set('seed', 7);
    await settle();
    expect(model.queries.check.state.answer).not.toBeNull();
    expect(api.asked('preview')).toEqual([]);
  });

  it('forgets a rendered row when rows are cut elsewhere', async () => {
    const { model } = await world();
    model.set('model_id', 'a/b');
    model.queries.askRendered(model.form!, 0);
    await settle();
    expect(model.queries.rendered.state.answer).not.toBeNull();
    model.set('hyperparams.max_seq_len', 64);
    expect(model.queries.rendered.state.answer).toBeNull();
  });

  it('estimates with the rows that were looked at', async () => {
    const { model, api } = await world();
    const length = { mean: 120.5, longest_bytes: 900 };
    api.previewed = { ...PREVIEW, estimated_rows: 77, statistics: { rows: 20, length } };
    model.set('model_id', 'a/b');
    model.set('dataset.path', 'rows.jsonl');
    model.goTo('training');
    await settle();
    expect(api.asked('estimate').at(-1)).toMatchObject({
      data: { rows: 77, characters: 120.5, longest_bytes: 900 }
    });
    // What the longest row is, nobody knows who has not read all of them.
    api.previewed = { ...api.previewed, complete: false };
    model.set('dataset.path', 'large.jsonl');
    await settle();
    expect(api.asked('estimate').at(-1)).toMatchObject({
      config: { dataset: { path: 'large.jsonl' } },
      data: { rows: 77, characters: 120.5 }
    });
    expect(api.asked('estimate').at(-1)).not.toHaveProperty('data.longest_bytes');
  });

  it('puts what the machine says of a choice beside it, with a badge at its step', async () => {
    const { model, api } = await world();
    const told = { ...finding('tune_type', 'warning'), code: 'server.qlora_here' };
    const answer = await api.estimate({}, null);
    const unknown = finding('hyperparams', 'warning');
    api.estimate = async () => ({ ...answer, findings: [told, unknown] });
    model.set('model_id', 'a/b');
    model.goTo('training');
    await settle();
    expect(model.findingsOf('tune_type')).toEqual([told]);
    expect(model.findings!.counts.get('model')).toEqual({ error: 0, warning: 1 });
    expect(model.findings!.counts.get('training')).toBeUndefined();
  });

  it('keeps no estimate of another config, nor of none', async () => {
    const { model } = await world();
    model.set('model_id', 'a/b');
    model.goTo('training');
    await settle();
    model.goTo('model');
    expect(model.queries.estimate.state.answer).not.toBeNull();
    model.set('tune_type', 'full');
    expect(model.queries.estimate.state.answer).toBeNull();
    model.goTo('training');
    await settle();
    expect(model.queries.estimate.state.answer).not.toBeNull();
    model.set('model_id', undefined);
    await settle();
    expect(model.queries.estimate.state.answer).toBeNull();
  });

  it('uploads a file, unless it is too big', async () => {
    const { model } = await world();
    await model.intake.useFile({ name: 'a.jsonl', size: 10 } as File);
    expect(model.form!.value('dataset.path')).toBe('up/a.jsonl');
    await model.intake.useFile({ name: 'b.jsonl', size: 2 ** 30 } as File);
    expect(model.notices.last!.message).toContain('too big');
    expect(model.form!.value('dataset.path')).toBe('up/a.jsonl');
  });

  it('waits with a file until the server has answered', async () => {
    const api = new FakeApi();
    api.failure = new ApiError(0, 'server.unreachable', '');
    const { model } = await world(undefined, api);
    model.intake.useDataset('rows.csv');
    api.failure = null;
    await model.start();
    expect(model.form!.value('dataset.path')).toBe('rows.csv');
  });
});
