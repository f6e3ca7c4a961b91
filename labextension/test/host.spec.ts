import { Host } from '../src/plugins/host';
import { trans } from './fakes';

it('reads no file as a config that is far too big for one', async () => {
  const get = jest.fn(async (_path: string, { content }: { content: boolean }) => ({
    name: 'rows.json',
    size: content ? 0 : 2 ** 30,
    content: 'text'
  }));
  const host = new Host({ contents: { get }, trans } as never);
  await expect(host.read('data/rows.json')).rejects.toMatchObject({
    message: 'rows.json is too big to be a config.'
  });
  expect(get.mock.calls.every(([, options]) => !options.content)).toBe(true);
});
