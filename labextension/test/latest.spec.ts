import { Latest } from '../src/model/latest';

/** A server whose answers come when the test says so. */
function held() {
  const open = new Map<string, (answer: string) => void>();
  const fetch = (question: string) => new Promise<string>(resolve => open.set(question, resolve));
  return { fetch: jest.fn(fetch), answer: (q: string) => open.get(q)!(`${q}!`) };
}

const turn = () => new Promise(resolve => setTimeout(resolve, 0));

describe('Latest', () => {
  it('shows the answer to the last question only, whatever order answers come in', async () => {
    const server = held();
    const latest = new Latest(server.fetch);
    latest.ask('first');
    latest.ask('second');
    server.answer('second');
    await turn();
    server.answer('first');
    await turn();
    expect(latest.state).toEqual({ busy: false, answer: 'second!', error: null });
  });

  it('keeps the last answer while the next one is fetched', async () => {
    const server = held();
    const latest = new Latest(server.fetch);
    latest.ask('a');
    server.answer('a');
    await turn();
    latest.ask('b');
    expect(latest.state).toEqual({ busy: true, answer: 'a!', error: null });
  });

  it('waits for quiet and sends one question', () => {
    jest.useFakeTimers();
    const server = held();
    const latest = new Latest(server.fetch, 30);
    'abc'.split('').forEach(letter => latest.ask(letter));
    jest.advanceTimersByTime(29);
    expect(server.fetch).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(server.fetch.mock.calls.map(call => call[0])).toEqual(['c']);
    jest.useRealTimers();
  });

  it('tells of a failure, and forgets it with the next answer', async () => {
    const answers = [Promise.reject(new Error('gone')), Promise.resolve('back')];
    const latest = new Latest(() => answers.shift()!);
    latest.ask('a');
    await turn();
    expect(latest.state.error).toEqual(new Error('gone'));
    latest.ask('a');
    await turn();
    expect(latest.state).toEqual({ busy: false, answer: 'back', error: null });
  });

  it('says nothing after it was cleared or disposed of', async () => {
    const server = held();
    const latest = new Latest(server.fetch);
    latest.ask('a');
    latest.clear();
    server.answer('a');
    await turn();
    expect(latest.state.answer).toBeNull();
    latest.dispose();
    latest.ask('b');
    expect(server.fetch).toHaveBeenCalledTimes(1);
  });
});
