// Packs a tree that is made up, to see how time and memory grow. `bench/run.ts` starts it; by hand:
//
//   node bench/grow.ts OUTPUT ENTRIES FILE-BYTES [HOLE-BYTES]
//
// ENTRIES files of FILE-BYTES each, a thousand to a directory, contents like those of texts; and one more with a hole.

import type { ContentSource, Extent, ExtentChunk } from "../src/model/content.ts";
import type { FileNode } from "../src/model/node.ts";
import { packSif } from "../src/packer/pack-sif.ts";
import { parseCompression } from "../src/squashfs/compression.ts";
import { Directory, FileTree } from "../src/tree/file-tree.ts";

const [output = "", ...words] = process.argv.slice(2);
const [entries = 0, fileBytes = 0, holeBytes = 0] = words.map(Number);

const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000 };
const patternBytes = 4 * 1024 * 1024;

/** Words of which each position has others than its neighbours. */
function makePattern(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(patternBytes);
  let state = 1;
  for (let at = 0; at < patternBytes;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    at += bytes.write(`word-${state >>> 18} `, at, "latin1");
  }
  return bytes;
}

/** Has a content at every position, and keeps none of them. */
class MadeUpSource implements ContentSource {
  readonly name = "made up";
  readonly #pattern = makePattern();

  async *read(wanted: readonly Extent[]): AsyncGenerator<ExtentChunk> {
    for (const [index, { position, lengthBytes }] of wanted.entries()) {
      for (let done = 0; done < lengthBytes;) {
        const from = (position + done) % patternBytes;
        const bytes = this.#pattern.subarray(from, from + lengthBytes - done);
        yield { index, bytes };
        done += bytes.length;
      }
    }
  }
}

const source = new MadeUpSource();
const tree = new FileTree();
let position = 0;
function file(sizeBytes: number, data?: { offset: number; lengthBytes: number }[]): FileNode {
  const lengthBytes = data?.[0]?.lengthBytes ?? sizeBytes;
  const content = { kind: "extent" as const, source, position, lengthBytes, ...(data && { data }) };
  position += lengthBytes;
  return { type: "file", ...attributes, sizeBytes, content };
}

let directory = tree.root;
for (let index = 0; index < entries; index += 1) {
  if (index % 1000 === 0) {
    directory = new Directory({ type: "directory", ...attributes, mode: 0o755 });
    tree.root.children.set(`folder-${index / 1000}`, directory);
  }
  directory.children.set(`file-${index}.txt`, file(fileBytes));
}
if (holeBytes > 0) {
  tree.root.children.set("hole", file(holeBytes + 5, [{ offset: holeBytes, lengthBytes: 5 }]));
}

await packSif(tree, output, {
  definition: Buffer.from("Bootstrap: scratch\n"),
  objects: [],
  architecture: "amd64",
  timeSeconds: 0,
  uuid: "from-content",
  compression: parseCompression("fast"),
  force: true,
});
