import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ContentSource, DataRange, Extent, ExtentChunk } from "../../src/model/content.ts";
import type { FileNode } from "../../src/model/node.ts";
import { parseCompression } from "../../src/squashfs/compression.ts";
import { verifySquashfs } from "../../src/squashfs/verify.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { squashfsOf } from "../helpers/squashfs.ts";
import { hostTest } from "../helpers/tool.ts";

const mib = 1024 * 1024;
const gib = 1024 * mib;
const fourGib = 4 * gib;

/** Each 1 MiB of it begins with its own number, so that no two are alike. */
const numbered: ContentSource = {
  name: "numbered",
  async *read(wanted: readonly Extent[]): AsyncGenerator<ExtentChunk> {
    for (const [index, { position, lengthBytes }] of wanted.entries()) {
      for (let done = 0; done < lengthBytes;) {
        const bytes = pieceAt(position + done).subarray(0, lengthBytes - done);
        yield { index, bytes };
        done += bytes.length;
      }
    }
  },
};

function pieceAt(position: number): Buffer {
  const piece = Buffer.alloc(mib, 0x2e);
  piece.write(`piece ${position / mib}\n`);
  return piece;
}

function file(position: number, sizeBytes: number, data?: readonly DataRange[]): FileNode {
  const lengthBytes = data?.reduce((sum, range) => sum + range.lengthBytes, 0) ?? sizeBytes;
  const content = { kind: "extent", source: numbered, position, lengthBytes, data } as const;
  return { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, sizeBytes, content };
}

/** What `tail` and `head` read of a file in the image, mounted by the kernel where only they see it: a digest for each. */
function digestsInImage(image: string, folder: string, places: readonly Place[]): string[] {
  const mount = join(folder, "mount");
  mkdirSync(mount);
  const script =
    'mount -t squashfs -o loop,ro "$1" "$2"; cd "$2"; shift 2; while [ $# -gt 0 ]; do tail -c +$(($2 + 1)) "$1" | head -c "$3" | sha256sum; shift 3; done';
  const words = places.flatMap(({ name, offset, lengthBytes }) => [
    name,
    String(offset),
    String(lengthBytes),
  ]);
  const argv = ["--mount", "--propagation", "private", "sh", "-ec", script, "sh", image, mount];
  const output = execFileSync("unshare", [...argv, ...words], { encoding: "utf8" });
  return output
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(0, 64));
}

interface Place {
  readonly name: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

const digest = (...pieces: Buffer[]) =>
  createHash("sha256").update(Buffer.concat(pieces)).digest("hex");

hostTest(
  "root, a loop device, 5 GB of disk",
  process.geteuid?.() === 0,
  "blocks beyond 4 GiB of a file and of an image are where the kernel looks for them",
  async (t) => {
    t.timeout(300_000);
    const tree = new FileTree();
    const sizeBytes = fourGib + 3 * mib + 7;
    tree.put("a-stored", file(0, sizeBytes));
    tree.put("b-behind", file(Math.ceil(sizeBytes / mib) * mib, 2 * mib));
    const {
      path,
      file: image,
      written,
    } = await squashfsOf(t, tree, {
      // Stored as it is: whatever is behind the first file begins beyond 4 GiB of the image.
      compressor: parseCompression("none"),
      blockSizeBytes: mib,
      workers: 2,
    });
    t.true(written.usedBytes > sizeBytes);
    await verifySquashfs(image, 0, written.sizeBytes, { name: "huge", inodes: 3 });
    const behind = Math.ceil(sizeBytes / mib) * mib;
    t.deepEqual(
      digestsInImage(path, await scratch(t), [
        { name: "a-stored", offset: 0, lengthBytes: mib },
        { name: "a-stored", offset: fourGib - mib, lengthBytes: 2 * mib },
        { name: "a-stored", offset: fourGib + 3 * mib, lengthBytes: mib },
        { name: "b-behind", offset: 0, lengthBytes: 2 * mib },
      ]),
      [
        digest(pieceAt(0)),
        digest(pieceAt(fourGib - mib), pieceAt(fourGib)),
        digest(pieceAt(fourGib + 3 * mib).subarray(0, 7)),
        digest(pieceAt(behind), pieceAt(behind + mib)),
      ],
    );
  },
);

hostTest(
  "root, a loop device",
  process.geteuid?.() === 0,
  "a file of 6 GiB that is nearly all hole takes next to nothing",
  async (t) => {
    const tree = new FileTree();
    const data = [
      { offset: 0, lengthBytes: mib },
      { offset: fourGib + 5 * mib, lengthBytes: mib },
      { offset: 6 * gib - mib, lengthBytes: mib },
    ];
    tree.put("holes", file(0, 6 * gib, data));
    const { path, written } = await squashfsOf(t, tree);
    t.true(written.usedBytes < mib);
    t.deepEqual(
      digestsInImage(path, await scratch(t), [
        { name: "holes", offset: 0, lengthBytes: 2 * mib },
        { name: "holes", offset: fourGib + 5 * mib, lengthBytes: mib },
        { name: "holes", offset: 6 * gib - 2 * mib, lengthBytes: 3 * mib },
      ]),
      [
        digest(pieceAt(0), Buffer.alloc(mib)),
        digest(pieceAt(mib)),
        digest(Buffer.alloc(mib), pieceAt(2 * mib)),
      ],
    );
  },
);
