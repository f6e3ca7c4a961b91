import { type IPiece, sendFile } from '../src/model/upload';

async function sent(bytes: Uint8Array<ArrayBuffer>): Promise<IPiece[]> {
  const pieces: IPiece[] = [];
  const file = new File([bytes], 'rows.csv');
  await sendFile(file, async piece => void pieces.push(piece));
  return pieces;
}

function joined(pieces: IPiece[]): Buffer {
  return Buffer.concat(pieces.map(one => Buffer.from(one.content, 'base64')));
}

describe('sendFile', () => {
  it('sends a file as it is, whatever its encoding', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const pieces = await sent(bytes);
    expect(pieces.map(one => one.chunk)).toEqual([undefined]);
    expect([...joined(pieces)]).toEqual([...bytes]);
    expect(joined(await sent(new Uint8Array()))).toHaveLength(0);
  });

  it('sends a large file in pieces, of which the last is marked', async () => {
    const bytes = new Uint8Array(2 * 2 ** 20 + 5).fill(7);
    bytes[2 ** 20] = 9;
    const pieces = await sent(bytes);
    expect(pieces.map(one => one.chunk)).toEqual([1, 2, -1]);
    expect(Buffer.compare(joined(pieces), Buffer.from(bytes))).toBe(0);
  });

  it('stops at a part that cannot be read, and at one that is refused', async () => {
    const file = new File(['x'.repeat(2 ** 20 + 1)], 'rows.csv');
    const broken = () => Promise.reject(new Error('gone'));
    const save = jest.fn(async () => undefined);
    await expect(sendFile(file, save, broken)).rejects.toThrow('gone');
    expect(save).not.toHaveBeenCalled();
    const refuse = jest.fn(() => Promise.reject(new Error('full')));
    await expect(sendFile(file, refuse)).rejects.toThrow('full');
    expect(refuse).toHaveBeenCalledTimes(1);
  });
});
