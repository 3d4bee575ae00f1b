// Random copies by cp and by us: from random folders into random trees, with everything in the way that can be.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { copyFromHost } from "../../src/copy/copy-from-host.ts";
import { readFolder } from "../../src/folder/read-folder.ts";
import { ScriptError } from "../../src/model/error.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { listTree, type TreeList } from "../helpers/list-tree.ts";
import { toolTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

type Thing =
  | { readonly kind: "file"; readonly text: string; readonly mode: number }
  | { readonly kind: "folder"; readonly mode: number }
  | { readonly kind: "link"; readonly to: string };

const thing: fc.Arbitrary<Thing> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    text: fc.string({ maxLength: 3 }),
    mode: fc.constantFrom(0o644, 0o666, 0o4755, 0o600),
  }),
  fc.record({ kind: fc.constant("folder" as const), mode: fc.constantFrom(0o755, 0o1777, 0o2700) }),
  fc.record({
    kind: fc.constant("link" as const),
    to: fc.constantFrom("a", "b", "c", "a/b", "../a"),
  }),
);
/** By path, parents before children; what doesn't fit under its parent is left out. */
const things = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom("a", "b", "c", "a/a", "a/b", "a/c", "b/a", "b/b", "a/b/a", "a/b/b"),
    thing,
  ),
  { selector: ([path]) => path, maxLength: 9 },
);

function make(folder: string, list: readonly (readonly [string, Thing])[]): void {
  mkdirSync(folder, { recursive: true });
  const kinds = new Map<string, string>();
  for (const [path, one] of list.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const parent = dirname(path);
    if (parent !== "." && kinds.get(parent) !== "folder") continue;
    // Out of the root file system cp follows a link and we don't: that is another test's.
    if (one.kind === "link" && join(parent, one.to).startsWith("..")) continue;
    kinds.set(path, one.kind);
    const file = join(folder, path);
    if (one.kind === "link") symlinkSync(one.to, file);
    else {
      if (one.kind === "folder") mkdirSync(file);
      else writeFileSync(file, one.text);
      chmodSync(file, one.mode);
    }
  }
}

/** Runs the copy on the disk, and says whether cp was content; undefined where the destination is in question. */
function byCp(folder: string, source: string, destination: string): boolean | undefined {
  const { status } = spawnSync(
    "sh",
    [
      "-c",
      // Symlinks on the way to the destination are for other tests: nothing but our own code resolves them as in an image.
      `umask 0022
      case "/$2/" in */../*) exit 9;; esac
      at=root
      for name in $(echo "$2" | tr / ' '); do
        [ ! -L "$at" ] || exit 9
        at=$at/$name
      done
      to=$at
      if [ -L "$at" ]; then to=$(realpath -e "$at") || exit 9; fi
      case $2 in
        */) mkdir -p "$to" 2>/dev/null || exit 1; to=$to/;;
        *) mkdir -p "$(dirname "$to")" 2>/dev/null || exit 1;;
      esac
      umask 0002
      cp -fLr "from/$1" "$to"`,
      "sh",
      source,
      destination,
    ],
    { cwd: folder, timeout: 20_000 },
  );
  return status === 9 ? undefined : status === 0;
}

/** Without times, which cp takes from the clock. */
const timeless = (list: TreeList): TreeList =>
  Object.fromEntries(
    Object.entries(list).map(([path, entry]) => [path, { ...entry, mtimeSeconds: 0 }]),
  );

toolTest(["cp", "realpath", "getfattr"], "random copies are those of cp", async (t) => {
  let count = 0;
  let succeeded = 0;
  const owner = { uid: 0, gid: 0 };
  await fc.assert(
    fc.asyncProperty(
      things,
      things,
      fc.constantFrom("a", "b", "a/", "a/.", "a/b", ".", "a/..", "c"),
      fc.constantFrom("a", "b/", "x", "x/", "x/y/z", "a/b", "c/b/", "."),
      async (from, root, source, destination) => {
        const folder = join(scratch, String(++count));
        make(join(folder, "from"), from);
        make(join(folder, "root"), root);
        const tree: FileTree = await readFolder(join(folder, "root"), { owner });
        const location = { file: "d.def", line: 1, column: 1, length: 1 };
        let worked = true;
        try {
          await copyFromHost(tree, [{ source, destination: `/${destination}`, location }], {
            folder: join(folder, "from"),
            timeSeconds: 0,
          });
        } catch (error) {
          if (!(error instanceof ScriptError)) throw error;
          worked = false;
        }
        // cp writes into files in place, and our tree refers to them: its list comes first.
        const ours = worked ? timeless(await treeEntries(tree)) : {};
        const theirs = byCp(folder, source, destination);
        if (theirs === undefined) return;
        if (theirs !== worked) throw new Error(`cp ${theirs ? "copied" : "failed"}, we did not`);
        if (!worked) return;
        succeeded++;
        const list = timeless(listTree(join(folder, "root")));
        const mine = Object.fromEntries(
          Object.entries(list).map(([path, entry]) => [path, { ...entry, ...owner }]),
        );
        const different = describeDifferences(compareTrees(ours, mine));
        if (different !== "") throw new Error(different);
      },
    ),
    { numRuns: 120, includeErrorInReport: true },
  );
  // Most random copies are impossible ones, about four in five; that some were not shows that the lists were compared.
  t.true(succeeded >= 5, `${succeeded} copies worked`);
});
