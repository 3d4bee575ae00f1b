import { createRequire } from "node:module";

interface XzModule {
  readonly XzReadableStream: new (
    compressed: ReadableStream<Uint8Array>,
  ) => ReadableStream<Uint8Array>;
}

// Its types promise an export that the package, being CommonJS, gives to `require` alone.
const { XzReadableStream } = createRequire(import.meta.url)("xz-decompress") as XzModule;

/** One block of an image whose compressor is xz: a whole .xz stream. @throws when it is damaged or too long */
export async function decompressXz(input: Uint8Array, mostBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of new XzReadableStream(new Blob([Buffer.from(input)]).stream())) {
    size += piece.length;
    if (size > mostBytes) throw new RangeError("the block is longer than it may be");
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}
