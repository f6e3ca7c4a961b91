import { ApiError } from '../src/api';
import { FakeApi, finding, PREVIEW, settle, world } from './fakes';

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
        row: 3
      }
    ]);
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

  it('uploads a file, unless it is too big', async () => {
    const { model } = await world();
    await model.intake.useFile({ name: 'a.jsonl', size: 10 } as File);
    expect(model.form!.value('dataset.path')).toBe('up/a.jsonl');
    await model.intake.useFile({ name: 'b.jsonl', size: 2 ** 30 } as File);
    expect(model.notice!.message).toContain('too big');
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
