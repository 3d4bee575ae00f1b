import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import type { FileNode } from "../../src/model/node.ts";
import { tarOf } from "../../src/tar/tar-writer.ts";
import { compareTrees, type AllowedDifference } from "../helpers/compare-trees.ts";
import { listTree } from "../helpers/list-tree.ts";
import { listedTree } from "../helpers/listed-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";
import { device, directory, file, link, special, tree } from "../helpers/tree.ts";

const bytesOf = ({ content }: FileNode) =>
  content.kind === "bytes" ? content.bytes : new Uint8Array();

const programs = [
  ["tar", "--xattrs", "--xattrs-include=*", "--numeric-owner"],
  ["bsdtar", "--numeric-owner"],
] as const;

for (const [program, ...options] of programs) {
  const isPossible = process.getuid?.() === 0 && isInstalled(program) && isInstalled("getfattr");
  hostTest(
    `root, ${program}`,
    isPossible,
    `${program} unpacks the tree that was written`,
    async (t) => {
      const folder = await scratch(t);
      const shared = file("shared", {
        mode: 0o4755,
        xattrs: { "user.bin": Buffer.from([0, 10, 255]) },
      });
      const made = tree({
        "": directory({ mode: 0o711, mtimeSeconds: 3 }),
        d: directory({ mtimeSeconds: 9, uid: 5 }),
        "d/a": shared,
        "d/b": shared,
        [`${"d".repeat(120)}/${"e".repeat(250)}`]: file("long", { uid: 4_000_000_000 }),
        old: file("x".repeat(100_000), { mtimeSeconds: -86_400 }),
        new: file("", { mtimeSeconds: 2 ** 33 + 5 }),
        long: link("t".repeat(300)),
        disk: device("block-device", 300, 70_000, { mode: 0o660 }),
        pipe: special("fifo"),
      });
      made.put("\u00ff\u0001\n", file("odd"));
      const archive = join(folder, "tree.tar");
      await pipeline(
        tarOf(made, (node) => [bytesOf(node)]),
        createWriteStream(archive),
      );
      const root = join(folder, "root");
      mkdirSync(root);
      await execa(program, [...options, "-xpf", archive, "-C", root], { env: { LC_ALL: "C" } });
      const rootTime: AllowedDifference = {
        why: "bsdtar leaves the time of the folder that it unpacks into",
        allows: ({ path, what }) => program === "bsdtar" && path === "" && what === "mtimeSeconds",
      };
      t.deepEqual(compareTrees(listedTree(made, bytesOf), listTree(root), [rootTime]), []);
    },
  );
}
