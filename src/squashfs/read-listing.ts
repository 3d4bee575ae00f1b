import { displayName, type ByteString } from "../model/bytes-path.ts";
import { limits } from "./format.ts";
import type { ImageReader } from "./image-reader.ts";
import type { MetadataTable } from "./metadata-table.ts";

export interface ListedEntry {
  readonly name: ByteString;
  /** Where the inode is in its table. */
  readonly block: number;
  readonly offset: number;
}

/**
 * The entries of a directory; `write-listing.ts` has the layout. What can't be the name of a file is an error.
 * @param at where in the table the listing begins
 * @throws {FormatError} `squashfs/damaged`
 */
export function* readListing(
  table: MetadataTable,
  at: number,
  sizeBytes: number,
  image: ImageReader,
): Generator<ListedEntry> {
  const end = at + sizeBytes;
  for (let position = at; position < end;) {
    const run = table.slice(position, 12);
    const count = run.readUInt32LE(0) + 1;
    const block = run.readUInt32LE(4);
    if (count > limits.runEntries) throw image.damaged("it has a directory with an endless list");
    position += 12;
    for (let index = 0; index < count; index += 1) {
      const entry = table.slice(position, 8);
      const length = entry.readUInt16LE(6) + 1;
      if (length > limits.nameBytes + 1 || position + 8 + length > end) {
        throw image.damaged("a directory's list ends in the middle of a name");
      }
      const name = table.slice(position + 8, length).toString("latin1");
      if (name === "." || name === ".." || /[/\0]/.test(name) || length > limits.nameBytes) {
        throw image.damaged(`it has a file with the impossible name ${displayName(name)}`);
      }
      yield { name, block, offset: entry.readUInt16LE(0) };
      position += 8 + length;
    }
  }
}
