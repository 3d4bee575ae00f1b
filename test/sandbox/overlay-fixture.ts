// What the tests of overlays have in common: sandboxes on one and in a folder, and what scripts do to both.

import {
  appendFileSync,
  chmodSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import fc from "fast-check";
import type { Isolation } from "../../src/isolation/isolation.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { programPath } from "../../src/system/find-program.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

/** Nothing is run here. */
export const isolation = {
  name: "root",
  allowsOverlays: true,
  hostPath: programPath(process.env),
} as Isolation;

export async function laid(
  t: ExecutionContext,
  base: FileTree,
  {
    place,
    hostPath = isolation.hostPath,
  }: { readonly place?: string; readonly hostPath?: string } = {},
) {
  const folder = place ?? (await scratch(t));
  const sandbox = await Sandbox.create({
    temporaryFolder: folder,
    isolation: { ...isolation, hostPath },
  });
  const result = await sandbox.layOver(
    { tree: base, name: "base", identity: ["base"], cacheFolder: join(folder, "cache") },
    {},
  );
  return { sandbox, result, folder };
}

export async function differ(
  ours: FileTree,
  theirs: FileTree,
  sinceSeconds: number,
): Promise<string> {
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
export const operation = fc.oneof(
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
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Does it as a script would, and says how it ended. */
export function act(root: string, [kind, first, second]: Operation): string {
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

export function smallTree(): FileTree {
  const tree = nastyTree();
  tree.remove("");
  for (const path of ["a/x", "a/y", "b/x", "c/d/e/f", "n/1"]) tree.put(path, textFile(path));
  tree.put("l1", textFile("linked"));
  tree.link("l2", "l1");
  return tree;
}
