import { sha256Of, type Digest } from "../cache/digest.ts";

/** Bytes that can be read as often as it takes, from any place on. */
export interface UploadBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** For messages. */
  readonly what: string;
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

/** A blob of a few bytes. */
export function smallBlob(bytes: Buffer, what: string): UploadBlob {
  return {
    digest: sha256Of(bytes),
    sizeBytes: bytes.length,
    what,
    // eslint-disable-next-line @typescript-eslint/require-await
    async *read(from, to) {
      yield bytes.subarray(from, to);
    },
  };
}
