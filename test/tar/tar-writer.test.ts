import test from "ava";
import fc from "fast-check";
import type { FileNode } from "../../src/model/node.ts";
import { tarOf } from "../../src/tar/tar-writer.ts";
import { applyLayer } from "../../src/tree/apply-layer.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { listTree } from "../../src/tree/list-tree.ts";
import { sourceNamed } from "../helpers/layer.ts";
import { parse } from "../helpers/tar.ts";
import { device, directory, file, link, special, tree } from "../helpers/tree.ts";

const read = ({ content }: FileNode) => [
  content.kind === "bytes" ? content.bytes : new Uint8Array(),
];

async function written(from: FileTree): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of tarOf(from, read)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What our own parser and layers make of the archive. */
async function again(from: FileTree): Promise<FileTree> {
  const to = new FileTree();
  applyLayer(to, parse(await written(from)), sourceNamed("archive"));
  return to;
}

test("a tree survives, with all that headers can't hold", async (t) => {
  const shared = file("shared", { xattrs: { "user.%=": Buffer.from([0, 10, 61, 255]) } });
  const made = tree({
    "": directory({ mode: 0o1777, mtimeSeconds: 3 }),
    [`${"d".repeat(200)}/${"e".repeat(255)}`]: file("long", { uid: 4_294_967_294, gid: 2_097_152 }),
    a: shared,
    b: shared,
    before: file("", { mtimeSeconds: -2 }),
    later: file("", { mtimeSeconds: 2 ** 34 }),
    empty: directory({ xattrs: { "user.e": "" } }),
    long: link("t".repeat(300)),
    null: device("character-device", 1, 3),
    disk: device("block-device", 4_000_000, 1_048_576),
    pipe: special("fifo", { mode: 0o4600 }),
  });
  made.put("\u00ff\u0001\n", file("odd"));
  made.put("\u00ff\u0001\n2", { ...link("x"), target: "\u00fe" });
  const back = await again(made);
  t.deepEqual([...listTree(back, { times: true })], [...listTree(made, { times: true })]);
  t.deepEqual(back.get("a")?.xattrs, made.get("a")?.xattrs);
});

test("sockets are left out", async (t) => {
  t.deepEqual([...listTree(await again(tree({ s: special("socket"), f: "x" })))].length, 2);
});

test("the length of a record counts its own digits, whatever it is", async (t) => {
  for (let length = 60; length < 110; length++) {
    const name = "n".repeat(length);
    t.is((await again(tree({ x: link(`/${name}`) }))).get("x")?.type, "symlink");
    const made = await again(tree({ x: file("", { xattrs: { "user.x": name } }) }));
    t.is(Buffer.from(made.get("x")?.xattrs?.get("user.x") ?? []).toString(), name);
  }
});

test("a file that is not as long as promised is refused", async (t) => {
  for (const [promised, text] of [
    [3, "four"],
    [5, "four"],
  ] as const) {
    const made = tree({ x: { ...file(text), sizeBytes: promised } });
    await t.throwsAsync(() => written(made), { code: "contents/size" });
  }
});

test("any tree survives", async (t) => {
  const names = fc.string({ unit: "binary", minLength: 1, maxLength: 120 }).map((text) => {
    const name = Buffer.from(text, "utf8").subarray(0, 255).toString("latin1");
    return name.replaceAll(/[\0/]/g, "_").replace(/^\.\.?$|^\.wh\./, "_");
  });
  const attributes = fc.record({
    mode: fc.nat(0o7777),
    uid: fc.nat(4_294_967_294),
    gid: fc.nat(4_294_967_294),
    mtimeSeconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  });
  const nodes = fc.oneof(
    fc.tuple(fc.uint8Array({ maxLength: 2000 }), attributes).map(([bytes, a]) => file(bytes, a)),
    attributes.map((a) => directory(a)),
    fc
      .tuple(names, attributes)
      .map(([target, a]) => ({ ...link("x", { ...a, mode: 0o777 }), target })),
    attributes.map((a) => special("fifo", a)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, names, nodes), { maxLength: 8 }), async (list) => {
      const made = new FileTree();
      for (const [parent, name, node] of list) made.put(`${parent}/${name}`, node);
      const back = await again(made);
      t.deepEqual([...listTree(back, { times: true })], [...listTree(made, { times: true })]);
    }),
    { numRuns: 150 },
  );
});
