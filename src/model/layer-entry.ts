// One change that a layer makes, as its archive tells it: plain data between whoever reads archives and the tree.

import type { ByteString } from "./bytes-path.ts";
import type { DataRange } from "./content.ts";
import type { Attributes, NodeType } from "./node.ts";

/** An entry of an archive. The members that its type has no use for are empty or 0. */
export interface LayerEntry extends Attributes {
  /** As written: may start with `/` or `./`, end with `/` and hold `..`. Not to be trusted. */
  readonly path: ByteString;
  readonly type: NodeType | "hard-link";
  /** Of a symlink its text, of a hard link the path of the other name, both as written. */
  readonly linkTarget: ByteString;
  /** Of a file the bytes that a reader sees, holes included. */
  readonly sizeBytes: number;
  /** Where the file's stored bytes start, counted from the start of the uncompressed archive. */
  readonly dataOffset: number;
  /** Bytes stored there: `sizeBytes`, less where the file has holes. */
  readonly storedBytes: number;
  /** The stretches of a sparse file that hold data: ascending, apart, none empty, `storedBytes` together. */
  readonly data: readonly DataRange[] | undefined;
  /** Device numbers. */
  readonly major: number;
  readonly minor: number;
}
