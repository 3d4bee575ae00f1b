// A sandbox on an overlay holds what one in a folder holds, whatever is done in it.

import {
  appendFileSync,
  chmodSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { RootCache } from "../../src/cache/root-cache.ts";
import type { Isolation } from "../../src/isolation/isolation.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";
import { act, differ, isolation, laid, operation, smallTree } from "./overlay-fixture.ts";

const isRoot = process.geteuid?.() === 0;

hostTest("root", isRoot, "an overlay in which nothing is done holds the base", async (t) => {
  const base = nastyTree();
  const { sandbox, result } = await laid(t, base);
  await using _ = sandbox;
  t.deepEqual(result, { isOld: false });
  await sandbox.write(base);
  const tree = await sandbox.read();
  t.is(await differ(tree, base, 0), "");
  t.is(
    tree.get("etc/passwd"),
    base.get("etc/passwd"),
    "what is not in the upper layer keeps its node",
  );
  t.true(tree.clone().remove("etc"), "and the tree is one of its own");
  t.not(base.get("etc/passwd"), undefined);
});

hostTest(
  "root",
  isRoot,
  "the base that is kept never changes, nor does anything outside",
  async (t) => {
    const base = nastyTree();
    const { sandbox, folder } = await laid(t, base);
    await sandbox.write(base);
    const { viewFolder, rootFolder, enterCommand } = sandbox;
    appendFileSync(join(viewFolder, "etc/passwd"), "more\n");
    rmSync(join(viewFolder, "bin"), { recursive: true });
    t.deepEqual(readdirSync(rootFolder), [], "nothing is mounted where others see it");
    t.notRegex(readFileSync("/proc/self/mountinfo", "utf8"), /overlay tsbuild /);
    const [program = "", ...words] = enterCommand;
    const { stdout } = await execa(program, [...words, "cat", join(rootFolder, "etc/passwd")]);
    t.regex(stdout, /more$/, "but where scripts start");
    await sandbox[Symbol.asyncDispose]();
    const again = await laid(t, base, { place: folder });
    t.deepEqual(again.result, { isOld: true });
    await again.sandbox.write(base);
    t.is(await differ(await again.sandbox.read(), base, 0), "");
    await again.sandbox[Symbol.asyncDispose]();
    t.deepEqual(readdirSync(folder), ["cache"]);
  },
);

hostTest(
  "root",
  isRoot,
  "a script that starts with a kept base finds each kind of change",
  async (t) => {
    const start = Math.floor(Date.now() / 1000);
    const base = nastyTree();
    const { sandbox } = await laid(t, base);
    await using _ = sandbox;
    await using copy = await Sandbox.create({ temporaryFolder: await scratch(t), isolation });
    for (const one of [sandbox, copy]) {
      await one.write(base);
      const at = (path: string) => join(one.viewFolder, path);
      renameSync(at("usr"), at("var-usr"));
      mkdirSync(at("usr"));
      renameSync(at("var-usr/lib"), at("usr/lib-from-below"));
      rmSync(at("etc"), { recursive: true });
      mkdirSync(at("etc"));
      writeFileSync(at("etc/passwd"), "new");
      linkSync(at("bin/su"), at("bin/su2"));
      chmodSync(at("bin/perl"), 0o700);
      lchownSync(at("names"), 1, 2);
    }
    const tree = await sandbox.read();
    t.is(await differ(tree, await copy.read(), start), "");
    // What was read is written again as it is, with one more change.
    tree.put("bin/later", textFile("later"));
    tree.remove("usr/lib-from-below");
    // Before its contents move.
    const wanted = await treeEntries(tree);
    await sandbox.write(tree);
    const found = await treeEntries(await sandbox.read());
    t.is(describeDifferences(compareTrees(found, wanted)), "");
  },
);

hostTest(
  "root",
  isRoot,
  "any sequence of calls leaves the same in an overlay and in a folder",
  async (t) => {
    t.timeout(120_000);
    const base = smallTree();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { maxLength: 10 }), { minLength: 1, maxLength: 3 }),
        async (rounds) => {
          const start = Math.floor(Date.now() / 1000);
          const folder = await scratch(t);
          const { sandbox } = await laid(t, base, { place: folder });
          await using _ = sandbox;
          await using copy = await Sandbox.create({ temporaryFolder: folder, isolation });
          let trees = [base, base];
          for (const steps of rounds) {
            await sandbox.write(trees[0] ?? base);
            await copy.write(trees[1] ?? base);
            for (const step of steps) {
              const ends = [sandbox, copy].map(({ viewFolder }) => act(viewFolder, step));
              if (ends[0] !== ends[1]) throw new Error(`${step.join(" ")}: ${ends.join(" and ")}`);
            }
            trees = [await sandbox.read(), await copy.read()];
            const different = await differ(trees[0] ?? base, trees[1] ?? base, start);
            if (different !== "") throw new Error(different);
            for (const tree of trees) {
              tree.put("between", textFile("between"));
              tree.remove("a/x");
            }
          }
        },
      ),
      { numRuns: 15 },
    );
    t.pass();
  },
);

hostTest("root", isRoot, "it says why there is no overlay", async (t) => {
  const base = smallTree();
  const folder = await scratch(t);
  const refusalOf = async (way: Partial<Isolation>, cacheFolder: string): Promise<string> => {
    await using sandbox = await Sandbox.create({
      temporaryFolder: folder,
      isolation: { ...isolation, ...way },
    });
    const { refused } = await sandbox.layOver(
      { tree: base, name: "base", identity: [], cacheFolder },
      {},
    );
    await sandbox.write(base);
    t.is(await differ(await sandbox.read(), base, 0), "", "a copy is made then");
    return refused ?? "";
  };
  t.regex(await refusalOf({ name: "proot", allowsOverlays: false }, join(folder, "c")), /proot/);
  t.regex(await refusalOf({ hostPath: "/nowhere" }, join(folder, "c")), /unshare, nsenter/);
  const open = join(folder, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  t.regex(await refusalOf({}, open), /others may write/);
  t.deepEqual(readdirSync(open), ["roots-v1"]);
});

hostTest(
  "root",
  isRoot,
  "a kept base that is in use is not cleared away below a sandbox",
  async (t) => {
    const base = smallTree();
    const { sandbox, folder } = await laid(t, base);
    const { cleanCache } = await import("../../src/cache/clean-cache.ts");
    const cacheFolder = join(folder, "cache");
    t.is((await cleanCache(cacheFolder, { kinds: ["root"] })).removed.length, 0);
    await sandbox[Symbol.asyncDispose]();
    t.is((await cleanCache(cacheFolder, { kinds: ["root"] })).removed.length, 1);
    t.is(await new RootCache(cacheFolder).refusal(), undefined);
  },
);
