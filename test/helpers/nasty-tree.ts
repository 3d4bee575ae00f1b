import type { ContentSource, Extent, ExtentChunk } from "../../src/model/content.ts";
import type { Attributes, FileNode } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

const root: Attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_000_000_000 };

/** A file that holds a text. */
export function textFile(text: string, attributes: Partial<Attributes> = {}): FileNode {
  const bytes = Buffer.from(text);
  return {
    type: "file",
    ...root,
    ...attributes,
    sizeBytes: bytes.length,
    content: { kind: "bytes", bytes },
  };
}

/** A source that holds the bytes 0, 1, 2 … 255, 0 … at every position, given in chunks of odd sizes. */
export const countingSource: ContentSource = {
  name: "the counting source",
  async *read(wanted: readonly Extent[]): AsyncGenerator<ExtentChunk> {
    await Promise.resolve();
    for (const [index, { position, lengthBytes }] of wanted.entries()) {
      for (let done = 0; done < lengthBytes;) {
        const length = Math.min(lengthBytes - done, 777);
        const bytes = Buffer.from(Array.from({ length }, (_, i) => (position + done + i) & 255));
        yield { index, bytes };
        done += length;
      }
    }
  },
};

/** A v2 file capability: cap_net_raw, permitted and effective. */
export const netRawCapability = Buffer.from("0100000200200000000000000000000000000000", "hex");

/**
 * A tree with everything that is hard to carry: odd names, links of all kinds, holes, special files, set-id bits,
 * capabilities, closed directories, times before 1970.
 * @param rights `all` for what needs root: devices, foreign owners, `trusted.*` and `security.*`
 */
export function nastyTree(owner: { uid?: number; gid?: number } = {}): FileTree {
  const own = { ...root, ...owner };
  const text = (content: string, attributes: Partial<Attributes> = {}) =>
    textFile(content, { ...own, ...attributes });
  const tree = new FileTree({ type: "directory", ...own, mode: 0o755 });
  const folder = (path: string, attributes: Partial<Attributes> = {}) =>
    tree.put(path, { type: "directory", ...own, mode: 0o755, ...attributes });

  folder("etc");
  tree.put("etc/passwd", text("root:x:0:0:root:/root:/bin/sh\n"));
  tree.put("etc/shadow", text("root:*::\n", { mode: 0, gid: 42 }));
  tree.put("etc/empty", text("", { mode: 0o600, mtimeSeconds: 0 }));
  tree.put("etc/old", text("before the epoch", { mtimeSeconds: -86_400 }));
  tree.put("etc/late", text("after 2038", { mtimeSeconds: 4_102_444_800 }));
  tree.put("etc/mtab", { type: "symlink", ...own, mode: 0o777, target: "../proc/self/mounts" });
  tree.put("etc/loop", { type: "symlink", ...own, mode: 0o777, uid: 33, target: "loop" });
  tree.put("etc/out", { type: "symlink", ...own, mode: 0o777, target: "/../../../../etc/\xff" });

  folder("bin", { mode: 0o755 });
  tree.put("bin/su", text("set-uid", { mode: 0o4755 }));
  tree.put("bin/write", text("set-gid", { mode: 0o2755, gid: 5 }));
  tree.put(
    "bin/ping",
    text("ping", { mode: 0o755, xattrs: new Map([["security.capability", netRawCapability]]) }),
  );
  const perl = text("perl".repeat(5000), { mode: 0o755, uid: 7, gid: 8 });
  tree.put("bin/perl", perl);
  tree.put("bin/perl5.36.0", perl);
  folder("usr/lib/deep");
  tree.put("usr/lib/deep/perl", perl);
  const link = { type: "symlink", ...own, mode: 0o777, target: "perl" } as const;
  tree.put("bin/link-a", link);
  tree.put("bin/link-b", link);

  folder("tmp", { mode: 0o1777 });
  folder("closed", { mode: 0 });
  tree.put("closed/in", text("inside", { mode: 0o400 }));
  folder("closed/below", { mode: 0o500, mtimeSeconds: 5 });
  tree.put("closed/below/x", text("x"));
  folder("shared", { mode: 0o2775, gid: 50 });
  tree.put("shared/owned", text("daemon's", { uid: 1, gid: 1, mode: 0o640 }));

  folder("names");
  for (const name of [
    " ",
    "a b",
    "tab\tnew\nline",
    "\\",
    "*?[x]",
    "-rf",
    "..x",
    "\xff\xfe\x80",
    "ü".repeat(127),
  ]) {
    tree.put(`names/${Buffer.from(name, "latin1").toString("latin1").slice(0, 255)}`, text(name));
  }
  tree.put(`names/${"n".repeat(255)}`, text("long"));
  tree.put(`${"deep/".repeat(300)}end`, text("very deep"));
  tree.link(`${"deep/".repeat(290)}perl`, "bin/perl");

  folder("xattrs", { xattrs: new Map([["user.dir", Buffer.from("on a directory")]]) });
  tree.put(
    "xattrs/many",
    text("many", {
      mode: 0o444,
      xattrs: new Map([
        ["trusted.t", Buffer.from([0, 1, 255])],
        ["user.big", Buffer.alloc(300, 7)],
        ["user.empty", Buffer.alloc(0)],
        ["user.\xff", Buffer.from("name that is not UTF-8")],
      ]),
    }),
  );

  folder("special");
  tree.put("special/null", { type: "character-device", ...own, mode: 0o666, major: 1, minor: 3 });
  tree.put("special/big", {
    type: "block-device",
    ...own,
    mode: 0o660,
    gid: 6,
    major: 4095,
    minor: 1_048_575,
  });
  tree.put("special/pipe", { type: "fifo", ...own, mode: 0o622 });
  tree.put("special/sock", { type: "socket", ...own, mode: 0o755 });
  const twice = { type: "fifo", ...own, mode: 0o600 } as const;
  tree.put("special/pipe-1", twice);
  tree.put("special/pipe-2", twice);

  folder("data");
  tree.put("data/extent", {
    type: "file",
    ...own,
    sizeBytes: 5000,
    content: { kind: "extent", source: countingSource, position: 100, lengthBytes: 5000 },
  });
  tree.put("data/sparse", {
    type: "file",
    ...own,
    sizeBytes: 8 << 20,
    content: {
      kind: "extent",
      source: countingSource,
      position: 9000,
      lengthBytes: 8192,
      data: [
        { offset: 1 << 20, lengthBytes: 4096 },
        { offset: 3 << 20, lengthBytes: 4096 },
      ],
    },
  });
  tree.put("data/hole", {
    type: "file",
    ...own,
    sizeBytes: 4 << 20,
    content: { kind: "extent", source: countingSource, position: 0, lengthBytes: 0, data: [] },
  });
  return tree;
}
