import test from "ava";
import { listTree } from "../../src/tree/list-tree.ts";
import { sourceNamed } from "../helpers/layer.ts";
import { device, directory, file, link, special, tree } from "../helpers/tree.ts";

test("every kind of node has its line", (t) => {
  const shared = file("ab", { mode: 0o4755, xattrs: { "user.b": "x", "user.a": "" } });
  const made = tree({
    "": directory({ mode: 0o711 }),
    "bin/one": shared,
    "bin/two": shared,
    "dev/null": device("character-device", 1, 3, { mode: 0o666 }),
    "dev/sda": device("block-device", 8, 0),
    l: link("a b\nc"),
    p: special("fifo", { uid: 4_294_967_294, gid: 1 }),
    s: special("socket"),
    ü: file("", { mtimeSeconds: -1 }),
  });
  made.put("\u00ff", file("", { mode: 0 }));
  made.put("sparse", {
    ...file("", {}),
    sizeBytes: 100,
    content: {
      kind: "extent",
      source: sourceNamed("layer"),
      position: 0,
      lengthBytes: 7,
      data: [{ offset: 5, lengthBytes: 7 }],
    },
  });
  t.deepEqual(
    [...listTree(made)],
    [
      "d 0711 0:0 0 1 .",
      "d 0755 0:0 0 1 bin",
      "- 4755 0:0 2 2 bin/one {user.a= user.b=78}",
      "- 4755 0:0 2 2 bin/two = bin/one {user.a= user.b=78}",
      "d 0755 0:0 0 1 dev",
      "c 0666 0:0 1:3 1 dev/null",
      "b 0600 0:0 8:0 1 dev/sda",
      String.raw`l 0777 0:0 0 1 l -> a b\x0ac`,
      "p 0644 4294967294:1 0 1 p",
      "s 0644 0:0 0 1 s",
      "- 0644 0:0 100,7 1 sparse",
      "- 0644 0:0 0 1 ü",
      String.raw`- 0000 0:0 0 1 \xff`,
    ],
  );
  t.true([...listTree(made, { times: true })].includes("- 0644 0:0 0 1 -1 ü"));
});

test("trees of equal but separate nodes are told from hard links", (t) => {
  const linked = file("x");
  const a = tree({ one: linked, two: linked });
  const b = tree({ one: file("x"), two: file("x") });
  t.notDeepEqual([...listTree(a)], [...listTree(b)]);
  t.deepEqual([...listTree(a)], [...listTree(a.clone())]);
});
