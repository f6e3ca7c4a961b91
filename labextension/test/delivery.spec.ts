import { ApiError } from '../src/api';
import { cell, finding, settle, target, world } from './fakes';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('delivery', () => {
  it.each([
    [null, 'No notebook is open.'],
    [target({ readOnly: true }), 'read-only'],
    [target({ language: 'R' }), 'runs R']
  ])('says why nothing can be inserted', async (notebook, sentence) => {
    const { model, host, api } = await world();
    host.target = notebook;
    await model.delivery.insert({});
    expect(model.delivery.outcome).toMatchObject({ kind: 'failed' });
    expect(JSON.stringify(model.delivery.outcome)).toContain(sentence);
    expect(api.asked('cells')).toEqual([]);
  });

  it.each([
    ['dead', 'restart'],
    ['busy', 'busy'],
    ['none', 'no kernel']
  ] as const)('inserts beside a kernel that is %s, and says so', async (kernel, sentence) => {
    const { model, host } = await world();
    host.target = target({ kernel });
    await model.delivery.insert({});
    expect(model.delivery.outcome).toMatchObject({
      kind: 'done',
      message: 'Inserted 2 cells into mine.ipynb.'
    });
    expect(JSON.stringify(model.delivery.outcome)).toContain(sentence);
  });

  it('tells of a file that another tab has written meanwhile', async () => {
    const { model, host } = await world();
    host.target = target({ isStale: async () => true });
    await model.delivery.insert({});
    await settle();
    expect(JSON.stringify(model.delivery.outcome)).toContain('Reload Notebook from Disk');
  });

  it('sends paths as the notebook sees them, and shows the first new cell', async () => {
    const { model, host, api } = await world();
    const notebook = target();
    host.target = notebook;
    await model.delivery.insert({ dataset: { path: 'data/r.csv' } });
    expect(api.asked('cells')).toEqual([{ dataset: { path: '../data/r.csv' } }]);
    expect(notebook.reveal).toHaveBeenCalledWith(0);
  });

  it('inserts nothing into a notebook that came to the front meanwhile', async () => {
    const { model, host } = await world();
    const other = target({ name: 'other.ipynb' });
    host.target = target();
    const inserted = model.delivery.insert({});
    host.target = other;
    await inserted;
    expect(JSON.stringify(model.delivery.outcome)).toContain('other.ipynb came to the front');
    expect(other.shared.cells).toHaveLength(0);
  });

  it('shows a cell of the notebook that got it, whichever is in front', async () => {
    const { model, host } = await world();
    const [mine, other] = [target(), target({ path: 'work/other.ipynb' })];
    host.target = mine;
    await model.delivery.insert({});
    await model.delivery.reveal(1);
    expect(mine.reveal).toHaveBeenLastCalledWith(1);
    host.target = other;
    await model.delivery.reveal(2);
    expect(host.opened).toEqual(['work/mine.ipynb']);
    expect(mine.reveal).toHaveBeenLastCalledWith(2);
    expect(other.reveal).not.toHaveBeenCalled();
    // Closed since: what is opened anew has them.
    const again = target();
    host.open = async () => void (host.target = again);
    await model.delivery.reveal(3);
    expect(again.reveal).toHaveBeenLastCalledWith(3);
  });

  it('makes the cells ahead once the config is reviewed, and again when it changes', async () => {
    const { model, host, api } = await world();
    host.target = target();
    model.set('seed', 1);
    model.goTo('review');
    await settle();
    await model.delivery.insert(model.config);
    expect(api.asked('cells')).toEqual([{ seed: 1 }]);
    model.set('seed', 2);
    await settle();
    await model.delivery.insert(model.config);
    expect(api.asked('cells')).toEqual([{ seed: 1 }, { seed: 2 }]);
  });

  it('never inserts cells that come late for a config that is another by now', async () => {
    const { model, host, api } = await world();
    const notebook = target();
    host.target = notebook;
    const late: { [seed: number]: () => void } = {};
    api.cells = config =>
      new Promise(resolve => {
        const cells = [cell('20_config', `seed = ${config.seed}`)];
        late[config.seed as number] = () => resolve({ cells, metadata: {}, yaml: '' });
      });
    model.delivery.prepare({ seed: 1 });
    const inserted = model.delivery.insert({ seed: 2 });
    late[2]();
    late[1]();
    await inserted;
    expect(notebook.shared.cells.map(one => one.getSource())).toEqual(['seed = 2']);
  });

  it('asks again after a failure', async () => {
    const { model, host, api } = await world();
    host.target = target();
    api.failure = new ApiError(0, 'server.unreachable', '');
    await model.delivery.insert({});
    expect(model.delivery.outcome).toMatchObject({ kind: 'failed' });
    api.failure = null;
    await model.delivery.insert({});
    expect(model.delivery.outcome).toMatchObject({ kind: 'done' });
  });

  it('ignores a second click while the first is under way', async () => {
    const { model, host, api } = await world();
    host.target = target();
    await Promise.all([model.delivery.insert({}), model.delivery.insert({})]);
    expect(api.asked('cells')).toHaveLength(1);
  });

  it('makes a notebook, a ZIP and a config', async () => {
    const { model, host } = await world();
    host.where = 'work';
    await model.delivery.create({});
    expect(host.opened).toEqual(['work/fine_tune.ipynb']);
    await model.delivery.download({});
    expect(host.downloaded).toEqual(['fine_tune.zip']);
    await model.delivery.save({});
    expect(host.written.at(-1)).toEqual({ folder: 'work', name: 'config.yaml', content: 'yaml' });
  });

  it('tells the findings of a config that the server refuses', async () => {
    const { model, host, api } = await world();
    host.target = target();
    api.failure = new ApiError(400, 'config.invalid', 'Invalid.', '', [finding('seed')]);
    await model.delivery.insert({});
    expect(model.delivery.outcome).toMatchObject({
      kind: 'failed',
      problem: { message: 'Invalid.', findings: [finding('seed')] }
    });
  });
});
