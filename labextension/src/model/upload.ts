/** A file, as much of it as is needed here. */
export interface IUpload {
  readonly name: string;
  readonly size: number;
  slice(start: number, end: number): Blob;
}

/** One piece of a file for the contents API; pieces are counted from 1, the last one is -1. */
export interface IPiece {
  content: string;
  chunk?: number;
}

/** Larger files go in pieces: a server refuses requests that are too large. */
const PIECE = 2 ** 20;
/** A call takes only so many arguments. */
const ARGUMENTS = 2 ** 13;

/**
 * Send a file byte for byte, whatever its encoding, piece by piece.
 *
 * @throws what `read` throws when the browser cannot read the file, and what `save` throws.
 */
export async function sendFile<T>(
  file: IUpload,
  save: (piece: IPiece) => Promise<T>,
  read: (part: Blob) => Promise<string> = readBase64
): Promise<T> {
  const count = Math.max(1, Math.ceil(file.size / PIECE));
  for (let number = 1; number < count; number++) {
    const part = file.slice((number - 1) * PIECE, number * PIECE);
    await save({ content: await read(part), chunk: number });
  }
  const content = await read(file.slice((count - 1) * PIECE, file.size));
  return save(count === 1 ? { content } : { content, chunk: -1 });
}

/** The bytes of a part in base64. */
async function readBase64(part: Blob): Promise<string> {
  const bytes = new Uint8Array(await part.arrayBuffer());
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; at += ARGUMENTS) {
    texts.push(String.fromCharCode(...bytes.subarray(at, at + ARGUMENTS)));
  }
  return btoa(texts.join(''));
}
