// A file's bytes by reference: a tree of a hundred thousand files holds no contents. Bytes move when somebody asks.

/** Where the bytes of a file are. */
export type Content =
  /** In memory: small texts that the build itself makes. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** A file on this machine, read when needed. `path` is the bytes of its name. */
  | {
      readonly kind: "host-file";
      readonly path: Buffer;
      /** When it was last written to, in nanoseconds since 1970, where a later change has to be noticed. */
      readonly mtimeNs?: bigint | undefined;
    }
  /** A stretch of a source that is cheap to read only from front to back: a compressed layer, a SquashFS partition. */
  | {
      readonly kind: "extent";
      readonly source: ContentSource;
      /** The source's own position; reading in ascending order is the cheap order. */
      readonly position: number;
      /** Bytes stored at the position: the file's size, less where it has holes. */
      readonly lengthBytes: number;
      /** The stretches that hold data, ascending, when the rest of the file are holes. */
      readonly data?: readonly DataRange[] | undefined;
    };

/** A stretch of a sparse file that is stored; what lies between stretches reads as zeros. */
export interface DataRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface Extent {
  readonly position: number;
  readonly lengthBytes: number;
}

export interface ExtentChunk {
  /** Which of the wanted extents this is part of. */
  readonly index: number;
  /** The next bytes of that extent. Valid until the next step of the iteration. */
  readonly bytes: Uint8Array;
}

/** Something that extents can be read from. */
export interface ContentSource {
  /** For messages: a layer's digest, a file's name. */
  readonly name: string;
  /**
   * The bytes of the wanted extents, which must be given in ascending order of position and may not overlap.
   * Each extent's chunks come in order and add up to its length; an extent of 0 bytes gives no chunk.
   * @throws {FormatError} when the source ends early or does not verify
   */
  read(wanted: readonly Extent[], signal?: AbortSignal): AsyncIterable<ExtentChunk>;
}
