import { lstatSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { resolvePath } from "../../src/tree/resolve-path.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";
import { directory, file, link } from "../helpers/tree.ts";

// Asks the kernel, in a root of its own, which inode each path leads to.
const asker = `
import json, os, sys
os.chroot(sys.argv[1]); os.chdir("/")
answers = []
for path, follow in json.load(sys.stdin):
    try:
        answers.append((os.stat if follow else os.lstat)("/" + path).st_ino)
    except OSError as error:
        answers.append("loop" if error.errno == 40 else "missing")
print(json.dumps(answers))
`;

const name = fc.constantFrom("a", "b", "c");
const plain = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const anyPath = fc
  .array(fc.oneof({ weight: 12, arbitrary: name }, fc.constantFrom("..", ".", "")), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join("/"));
const trees = fc.array(
  fc.tuple(
    plain,
    fc.oneof(
      fc.constant("directory" as const),
      fc.constant("file" as const),
      fc.tuple(fc.constantFrom("", "/"), anyPath).map((parts) => parts.join("") || "a"),
    ),
  ),
  { minLength: 3, maxLength: 12 },
);
const questions = fc.array(fc.tuple(anyPath, fc.boolean()), { minLength: 10, maxLength: 40 });

const isPossible = process.getuid?.() === 0 && isInstalled("/usr/bin/python3");

hostTest("root, python3", isPossible, "paths lead where the kernel says they do", async (t) => {
  const folder = await scratch(t);
  let runs = 0;
  let found = 0;
  let loops = 0;
  await fc.assert(
    fc.asyncProperty(trees, questions, async (nodes, paths) => {
      const tree = new FileTree();
      for (const [path, kind] of nodes) {
        const node = kind === "directory" ? directory() : kind === "file" ? file() : link(kind);
        tree.put(path, node);
      }
      runs++;
      const root = join(folder, String(runs));
      await writeFolder(tree, root);
      const { stdout } = await execa("/usr/bin/python3", ["-c", asker, root], {
        input: JSON.stringify(paths),
      });
      const answers = JSON.parse(stdout) as (number | "loop" | "missing")[];
      for (const [index, answer] of answers.entries()) {
        const [path, followLast] = paths[index] ?? ["", true];
        const what = `${path} (${followLast ? "stat" : "lstat"}) in run ${runs}`;
        let ours: string | number = "loop";
        try {
          const resolved = resolvePath(tree, path, { followLast });
          const held =
            resolved.node === undefined ? undefined : lstatSync(join(root, resolved.path));
          ours = held === undefined ? "missing" : held.ino;
        } catch {
          loops++;
        }
        // The way back from what is missing, or from a file as if it were a directory, is taken literally here.
        const texts = [path, ...nodes.map(([, kind]) => kind)];
        const isLiteral = texts.some((text) => /(?:^|\/)\.\.?(?:\/|$)|\/$/.test(text));
        if (answer === "missing" && ours !== "missing" && isLiteral) continue;
        if (ours !== answer) throw new Error(`${what}: ${ours}, and the kernel says ${answer}`);
        if (typeof answer === "number") found++;
      }
    }),
    { numRuns: 40 },
  );
  t.true(found > 100 && loops > 5, `${found} found, ${loops} loops`);
});
