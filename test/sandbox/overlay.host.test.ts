// A sandbox on an overlay holds what one in a folder holds, whatever is done in it.

import {
  appendFileSync,
  chmodSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import fc from "fast-check";
import { RootCache } from "../../src/cache/root-cache.ts";
import type { Isolation } from "../../src/isolation/isolation.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { programPath } from "../../src/system/find-program.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const isRoot = process.geteuid?.() === 0;
/** Nothing is run here. */
const isolation = {
  name: "root",
  allowsOverlays: true,
  hostPath: programPath(process.env),
} as Isolation;

async function laid(t: ExecutionContext, base: FileTree, place?: string) {
  const folder = place ?? (await scratch(t));
  const sandbox = await Sandbox.create({ temporaryFolder: folder, isolation });
  const result = await sandbox.layOver(
    { tree: base, name: "base", identity: ["base"], cacheFolder: join(folder, "cache") },
    {},
  );
  return { sandbox, result, folder };
}

async function differ(ours: FileTree, theirs: FileTree, sinceSeconds: number): Promise<string> {
  const isNew = (value: unknown) => typeof value === "number" && value >= sinceSeconds;
  return describeDifferences(
    compareTrees(await treeEntries(ours), await treeEntries(theirs), [
      {
        why: "what is done now is done at different times",
        allows: ({ what, ours: a, theirs: b }) => what === "mtimeSeconds" && isNew(a) && isNew(b),
      },
    ]),
  );
}

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
    const again = await laid(t, base, folder);
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

const names = fc.constantFrom(
  "a",
  "b",
  "a/x",
  "a/y",
  "b/x",
  "c",
  "c/d",
  "c/d/e",
  "l1",
  "l2",
  "n/1",
);
const operation = fc.oneof(
  fc.tuple(fc.constant("write" as const), names, names),
  fc.tuple(fc.constant("append" as const), names, names),
  fc.tuple(fc.constant("mkdir" as const), names, names),
  fc.tuple(fc.constant("rmdir" as const), names, names),
  fc.tuple(fc.constant("unlink" as const), names, names),
  fc.tuple(fc.constant("remove" as const), names, names),
  fc.tuple(fc.constant("rename" as const), names, names),
  fc.tuple(fc.constant("link" as const), names, names),
  fc.tuple(fc.constant("symlink" as const), names, names),
  fc.tuple(fc.constant("chmod" as const), names, names),
  fc.tuple(fc.constant("chown" as const), names, names),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Does it as a script would, and says how it ended. */
function act(root: string, [kind, first, second]: Operation): string {
  const [a, b] = [join(root, first), join(root, second)];
  try {
    if (kind === "write") {
      rmSync(a, { force: true });
      writeFileSync(a, first);
    } else if (kind === "append") {
      if (existsSync(a) && lstatSync(a).isFile()) appendFileSync(a, "+");
    } else if (kind === "mkdir") mkdirSync(a);
    else if (kind === "rmdir") rmdirSync(a);
    else if (kind === "unlink") unlinkSync(a);
    else if (kind === "remove") rmSync(a, { recursive: true });
    else if (kind === "rename") renameSync(a, b);
    else if (kind === "link") linkSync(a, b);
    else if (kind === "symlink") symlinkSync("target", a);
    else if (kind === "chmod") {
      if (!lstatSync(a).isSymbolicLink()) chmodSync(a, 0o700);
    } else lchownSync(a, 5, 6);
    return "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  }
}

function smallTree(): FileTree {
  const tree = nastyTree();
  tree.remove("");
  for (const path of ["a/x", "a/y", "b/x", "c/d/e/f", "n/1"]) tree.put(path, textFile(path));
  tree.put("l1", textFile("linked"));
  tree.link("l2", "l1");
  return tree;
}

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
          const { sandbox } = await laid(t, base, folder);
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
