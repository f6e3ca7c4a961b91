import { ApiError } from '../src/api';
import { Persistence } from '../src/model/persistence';
import { VERSION } from '../src/version';
import packageJson from '../package.json';
import { FakeApi, FakeStore, finding, settle, target, world } from './fakes';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('start', () => {
  it('has the version of the package', () => {
    expect(VERSION).toBe(packageJson.version);
  });

  it('asks who the server is before anything else', async () => {
    const { api, model } = await world();
    expect(api.calls[0].route).toBe('health');
    expect(model.catalogue.problem).toBeNull();
    expect(model.form).not.toBeNull();
  });

  it('goes on with another version of the same routes, and stops at other routes', async () => {
    const other = new FakeApi();
    other.version = '0.1.9';
    const doubtful = await world(undefined, other);
    expect(doubtful.model.catalogue.problem!.hint).toContain('pip install');
    expect(doubtful.model.form).not.toBeNull();
    const foreign = new FakeApi();
    foreign.api = 2;
    const { model, api } = await world(undefined, foreign);
    expect(model.form).toBeNull();
    expect(api.asked('schema')).toEqual([]);
  });

  it('can be tried again after the server came back', async () => {
    const api = new FakeApi();
    api.failure = new ApiError(0, 'server.unreachable', '');
    const { model } = await world(undefined, api);
    expect(model.catalogue.problem!.message).toContain('does not answer');
    api.failure = null;
    await model.start();
    expect(model.catalogue.problem).toBeNull();
    expect(model.form).not.toBeNull();
  });
});

it('begins one form, however often it is told to try again', async () => {
  const api = new FakeApi();
  api.failure = new ApiError(0, 'server.unreachable', '');
  const { model } = await world(undefined, api);
  api.failure = null;
  api.calls = [];
  await Promise.all([model.start(), model.start()]);
  expect(api.asked('schema')).toHaveLength(1);
  await model.start();
  expect(api.asked('health')).toHaveLength(2);
});

describe('typing', () => {
  it('validates what was typed, once it is quiet', async () => {
    const { model, api } = await world();
    await settle();
    api.calls = [];
    api.findings = config => ('seed' in config ? [finding('seed')] : []);
    model.set('seed', 'a');
    model.set('seed', 'ab');
    await settle();
    expect(api.asked('validate')).toEqual([{ config: { seed: 'ab' } }]);
    expect(model.findingsOf('seed')).toHaveLength(1);
  });

  it('keeps errors of fields back until the user has been there', async () => {
    const { model, api } = await world();
    api.findings = () => [finding('model_id'), finding('tune_type', 'warning')];
    model.set('seed', 1);
    await settle();
    expect(model.findingsOf('model_id')).toEqual([]);
    expect(model.findingsOf('tune_type')).toHaveLength(1);
    model.goTo('data');
    await settle();
    expect(model.findingsOf('model_id')).toHaveLength(1);
  });

  it('loses nothing on reload, nor when the server goes', async () => {
    const store = new FakeStore();
    const first = await world(store);
    first.api.failure = new ApiError(0, 'server.unreachable', '');
    first.model.set('model_id', '<b>"\u202e');
    first.model.set('hyperparams.num_epochs', '1e-');
    first.model.goTo('training');
    const { model } = await world(store);
    expect(model.step).toBe('training');
    expect(model.form!.draft).toEqual({
      model_id: '<b>"\u202e',
      hyperparams: { num_epochs: '1e-' }
    });
  });

  it('keeps apart what two tabs hold, and begins a third one with the newest', async () => {
    const [store, mine] = [new FakeStore(), new FakeStore()];
    const first = await world(store, new FakeApi(), mine);
    first.model.set('model_id', 'mine');
    const second = await world(store, new FakeApi(), new FakeStore());
    second.model.set('model_id', 'theirs');
    const reloaded = await world(store, new FakeApi(), mine);
    expect(reloaded.model.form!.draft).toEqual({ model_id: 'mine' });
    const third = await world(store, new FakeApi(), new FakeStore());
    expect(third.model.form!.draft).toEqual({ model_id: 'theirs' });
  });

  it('keeps apart what belongs to other servers at the same address', async () => {
    const store = new FakeStore();
    const persistence = (base: string) => new Persistence(null, store, null, 0, base);
    const draft = { seed: 1 };
    const state = { version: 1 as const, saved: 1, step: 'model' as const, draft };
    persistence('/user/a/').save({ ...state, visited: [], detected: null });
    expect((await persistence('/user/a/').load())!.draft).toEqual(draft);
    expect(await persistence('/user/b/').load()).toBeNull();
  });

  it('begins anew where the stored state is none', async () => {
    const store = new FakeStore();
    store.setItem('jupyter-ft:wizard', '{"version": 99, "draft": 7}');
    expect((await world(store)).model.form!.draft).toEqual({});
    store.setItem('jupyter-ft:wizard', '{"version": 1, "draft": {}, "visited": 7}');
    expect((await world(store)).model.catalogue.problem).toBeNull();
    store.setItem('jupyter-ft:wizard', 'not JSON');
    expect((await world(store)).model.form!.draft).toEqual({});
  });

  it('starts over, and takes that back', async () => {
    const { model } = await world();
    model.set('seed', 7);
    model.reset();
    expect(model.form!.draft).toEqual({});
    model.undoPreset();
    expect(model.form!.draft).toEqual({ seed: 7 });
  });

  it('lays nothing of other data beside what was chosen after starting over', async () => {
    const { model } = await world();
    model.set('seed', 7);
    model.set('dataset.path', 'old.csv');
    model.set('dataset.columns', { text: 'old' });
    model.reset();
    model.set('dataset.path', 'new.csv');
    model.undoPreset();
    expect(model.form!.draft).toEqual({ seed: 7, dataset: { path: 'new.csv' } });
  });

  it('keeps errors back again after starting over from the review', async () => {
    const { model, api } = await world();
    api.findings = () => [finding('model_id')];
    model.goTo('review');
    model.reset();
    await settle();
    expect(model.step).toBe('model');
    expect(model.findingsOf('model_id')).toEqual([]);
  });

  it('takes a preset back and keeps what was typed since', async () => {
    const { model } = await world();
    const config = { hyperparams: { num_epochs: 3 } };
    model.set('hyperparams.num_epochs', 2);
    model.applyPreset({ id: 'a', title: 'A', description: '', level: 'beginner', config });
    model.set('model_id', 'a/b');
    model.undoPreset();
    expect(model.form!.draft).toEqual({ hyperparams: { num_epochs: 2 }, model_id: 'a/b' });
  });
});

describe('configs', () => {
  it('takes one over with its paths seen from the root', async () => {
    const { model, api } = await world();
    api.validate = async () => ({
      valid: true,
      findings: [],
      yaml: '',
      config: { model_id: 'a/b', seed: 42, dataset: { path: '../data/r.csv' } }
    });
    model.reset();
    expect(await model.intake.loadConfig('work/config.yaml')).toBe(true);
    expect(model.applied.preset).toBeNull();
    expect(model.step).toBe('review');
    // What says no more than the default does stays a default.
    expect(model.form!.draft).toMatchObject({ model_id: 'a/b', dataset: { path: 'data/r.csv' } });
    expect(model.form!.isSet('seed')).toBe(false);
  });

  it('is taken over before anybody goes on with it, even while the wizard starts', async () => {
    const api = new FakeApi();
    api.failure = new ApiError(0, 'server.unreachable', '');
    const { model } = await world(undefined, api);
    api.failure = null;
    let taken: unknown = null;
    void model.intake.loadConfig('config.yaml').then(() => (taken = model.config.model_id));
    await settle();
    expect(taken).toBeNull();
    await model.start();
    await settle();
    expect(taken).toBe('some/model');
  });

  it('leaves everything as it was when the file is no config', async () => {
    const { model, api } = await world();
    model.set('seed', 7);
    api.findings = () => [finding('schema_version')];
    expect(await model.intake.loadConfig('new.yaml')).toBe(false);
    expect(model.notices.last!.findings).toHaveLength(1);
    expect(model.form!.draft).toEqual({ seed: 7 });
  });
});

describe('review', () => {
  it('sees the config from the notebook that comes to the front', async () => {
    const { model, api, host } = await world();
    model.set('dataset.path', 'data/r.csv');
    model.goTo('review');
    await settle();
    api.calls = [];
    model.refresh();
    await settle();
    expect(api.asked('validate')).toEqual([]);
    host.target = target();
    model.refresh();
    await settle();
    const seen = { dataset: { path: '../data/r.csv', format: 'jsonl_instr' } };
    expect(api.asked('validate')).toEqual([{ config: seen }]);
    expect(api.asked('cells')).toEqual([seen]);
  });
});
