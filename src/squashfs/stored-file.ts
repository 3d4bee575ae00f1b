/** Where the content of a file is, as its inode says. */
export interface StoredFile {
  /** Position of the first block. */
  start: number;
  /** The length word of each block; 0 for a block of zeros, which is not stored. */
  blocks: Uint32Array;
  fragment: number;
  fragmentOffset: number;
  /** Bytes in blocks that are not stored. */
  sparseBytes: number;
}
