import { YNotebook } from '@jupyter/ydoc';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { commPlugin } from '../src/plugins/comm';
import { cell } from './fakes';

type Handler = (comm: unknown, message: unknown) => void;

/** A kernel that remembers who answers its comms, and a notebook panel that shows it. */
function kernelWith(clientId: string) {
  const made = { clientId, name: 'python3', status: 'idle', handler: null as Handler | null };
  const registerCommTarget = (_: string, handler: Handler) => (made.handler = handler);
  return Object.assign(made, { registerCommTarget });
}

function panelOf(kernel: unknown, shared: YNotebook) {
  const sender = {};
  return {
    isDisposed: false,
    context: { path: 'a.ipynb', localPath: 'a.ipynb', model: { readOnly: false } },
    content: {
      isDisposed: false,
      activeCellIndex: 0,
      deselectAll: () => undefined,
      model: { sharedModel: shared, defaultKernelLanguage: 'python' }
    },
    sessionContext: {
      session: { kernel },
      specsManager: { specs: { kernelspecs: { python3: { language: 'python' } } } },
      kernelChanged: new Signal<unknown, unknown>(sender)
    }
  };
}

function tracker(panels: ReturnType<typeof panelOf>[]) {
  return {
    currentWidget: null as unknown,
    forEach: (call: (panel: unknown) => void) => panels.forEach(call),
    find: (test: (panel: unknown) => boolean) => panels.find(test),
    widgetAdded: new Signal<unknown, unknown>({})
  };
}

function ask(kernel: ReturnType<typeof kernelWith>, source: string, session = kernel.clientId) {
  const comm = { send: jest.fn(), dispose: jest.fn(), onMsg: null };
  const data = { action: 'insert', cells: [cell('20_config', source)] };
  kernel.handler!(comm, { parent_header: { session }, content: { data } });
  return comm;
}

function world(count: number) {
  const kernel = kernelWith('here');
  const shared = YNotebook.create();
  const panels = Array.from({ length: count }, () => panelOf(kernel, shared));
  const notebooks = tracker(panels);
  commPlugin.activate({} as never, notebooks as never, nullTranslator as never);
  return { kernel, shared, panels, notebooks };
}

describe('the comm of a kernel', () => {
  it('inserts in the tab that asked, and nowhere else', () => {
    const { kernel, shared } = world(1);
    const foreign = ask(kernel, 'a = 1', 'elsewhere');
    expect(foreign.dispose).toHaveBeenCalled();
    expect(shared.cells).toHaveLength(0);
    const mine = ask(kernel, 'a = 1');
    expect(mine.send).toHaveBeenCalledWith(expect.objectContaining({ status: 'inserted' }));
    expect(shared.cells).toHaveLength(1);
  });

  it('finds the notebook when the view that came last was closed', () => {
    const { kernel, shared, panels } = world(2);
    panels[1].isDisposed = true;
    expect(ask(kernel, 'a = 1').send).toHaveBeenCalledWith(
      expect.objectContaining({ status: 'inserted' })
    );
    expect(shared.cells).toHaveLength(1);
  });

  it('says which cells stayed because the user had edited them', () => {
    const { kernel, shared } = world(1);
    ask(kernel, 'a = 1');
    shared.cells[0].setSource('a = 2');
    const [[said]] = ask(kernel, 'a = 3').send.mock.calls;
    expect(said.message).toContain('they stayed as they are: Cell 1: 20_config.');
  });
});
