// The same copies by Apptainer and by us, from one folder of odd files, compared name by name.

import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyFromHost } from "../../src/copy/copy-from-host.ts";
import { copyFromStage } from "../../src/copy/copy-from-stage.ts";
import { splitCopyLines } from "../../src/definition/copy-lines.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { readFolder } from "../../src/folder/read-folder.ts";
import type { CopyLine } from "../../src/model/plan.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { listTree, type TreeList } from "../helpers/list-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const setup = `
mkdir -p h/d/sub h/closed h/sticky h/m/real st/src/d/sub st/real/dir base/t/with/sub base/t/real base/t/x
printf A > h/a.txt; printf B > h/b.txt; printf S > 'h/sp ace.txt'; printf X > h/d/x; printf Y > h/d/sub/y
printf H > h/.hidden; printf W > h/wide; printf U > h/ü.txt
chmod 4755 h/a.txt; chmod 640 h/b.txt; chmod 666 h/wide; chmod 3777 h/sticky; chmod 700 h/closed
ln -s a.txt h/lnk; ln -s d h/dlnk; ln -s ../a.txt h/d/up; ln h/a.txt h/d/hard; mkfifo -m 644 h/pipe
printf a > st/src/a.txt; printf b > st/src/b.txt; printf x > st/src/d/x; printf r > st/real/dir/f
chown 12:34 st/src/b.txt; chmod 640 st/src/b.txt; chmod 2711 st/src/d/sub; chown 5:6 st/src/d/sub
ln st/src/d/x st/src/d/y; ln -s x st/src/d/rel; ln -s /src/a.txt st/src/d/abs; ln -s /src/a.txt st/src/abslnk
ln -s d st/src/dlnk; ln -s src st/rel; ln -s /real st/view; touch -d @1000000000 st/src/d/sub st/src/d/x st/src/a.txt
printf old > base/t/file; chmod 711 base/t/file; chown 7:8 base/t/file; ln -s file base/t/flnk
ln -s real base/t/dlnk; ln -s nothing base/t/dang; printf k > base/t/with/kept; chmod 700 base/t/with
ln -s ../real base/t/with/lib; printf o > base/t/with/x; ln -s other base/t/a.txt; printf o > base/t/other
chmod 755 h base st st/src st/real
`;

const hostLines = String.raw`
h/a.txt
h/a.txt opt/q
h/b.txt /opt/slash/
h/lnk /opt/l
h/dlnk /opt/dlnk
h/d /opt/n
h/d /opt/n
h/d/. /t/with
h/d/ /opt/with-slash/
h/*.txt /opt/glob/
h/[!a]*.txt /opt/not-a/
h/{a,b,wide}* /opt/braces/
h/?.txt /opt/one/
h/.h* /opt/dots/
"h/sp ace.txt" "/opt/b l"
h/sticky /opt/
h/closed /opt/
h/pipe /opt/pipe
h/wide /t/file
h/b.txt /t/flnk
h/a.txt /t/dlnk
h/wide /t/dang
h/b.txt /t/a.txt
$PWD/h/a.txt /opt/pwd
h/$NOPE/a.txt /opt/none
h/${"$"}{NOPE:-b}.txt /opt/default
h/d/../a.txt
h/d/../b.txt /../../opt/dots/../up
h/a.txt /o*/$HOME/z
`;

const stageLines = `
/src/a.txt
src/b.txt /opt/q
/src/b.txt /opt/slash/
/src/d /opt/n
/src/d /opt/n
/src/d/ /opt/n2
/src/d/. /opt/n3
/src/d/. /t/x
/src/d/ /t/with
/src/abslnk /opt/
/src/abslnk /opt/l
/src/dlnk /opt/
/src/dlnk /opt/dl
/src/*.txt /opt/glob/
/rel/*.txt /opt/rel/
/src/{a,b}.txt /opt/braces/
/view/dir/f /opt/f
/src/a.txt /t/file
/src/b.txt /t/flnk
/src/b.txt /t/dang
/src/a.txt /t
/src/d /t/dlnk
`;

/** What a definition's lines are to us, through our own reader of definitions. */
function linesOf(text: string): readonly CopyLine[] {
  const { definition } = readDefinition(`Bootstrap: scratch\n%files\n${text}`, { file: "d.def" });
  const section = definition?.stages[0]?.sections[0];
  if (section === undefined) throw new Error("no %files");
  return splitCopyLines(section).lines;
}

/** Without what Apptainer lays over every image, and without times that are the clock's. */
function comparable(list: TreeList, before: number): TreeList {
  const own =
    /^(\.singularity\.d|\.exec|\.run|\.shell|\.test|singularity|environment|dev|etc|home|proc|root|sys|var|tmp)(\/|$)/;
  return Object.fromEntries(
    Object.entries(list)
      .filter(([path]) => path !== "" && !own.test(path))
      .map(([path, entry]) => [
        path,
        entry.mtimeSeconds >= before || entry.type === "symlink" || entry.type === "directory"
          ? { ...entry, mtimeSeconds: entry.mtimeSeconds === 1_000_000_000 ? 1_000_000_000 : 0 }
          : entry,
      ]),
  );
}

for (const [mode, text, ours] of [
  [
    "from the machine",
    hostLines,
    async (tree: FileTree, lines: readonly CopyLine[], folder: string, timeSeconds: number) =>
      await copyFromHost(tree, lines, { folder, timeSeconds, environment: {} }),
  ],
  [
    "from a stage",
    stageLines,
    async (tree: FileTree, lines: readonly CopyLine[], folder: string, timeSeconds: number) =>
      await copyFromStage(tree, await readFolder(join(folder, "st")), lines, { timeSeconds }),
  ],
] as const) {
  apptainerTest(`copies ${mode} are those of Apptainer`, async (t) => {
    const folder = await scratch(t);
    const before = Math.floor(Date.now() / 1000);
    t.is(spawnSync("sh", ["-ec", setup], { cwd: folder }).stderr.toString(), "");
    const stages =
      mode === "from a stage"
        ? `Bootstrap: localimage\nFrom: st\nStage: a\n\nBootstrap: localimage\nFrom: base\n%files from a\n${text}`
        : `Bootstrap: localimage\nFrom: base\n%files\n${text}`;
    writeFileSync(join(folder, "d.def"), stages);
    const run = await apptainer(["build", "--sandbox", "o", "d.def"], {
      cwd: folder,
      asRealRoot: true,
    });
    t.is(run.exitCode, 0, run.stderr);
    const tree = await readFolder(join(folder, "base"));
    await ours(tree, linesOf(text), folder, before);
    const theirs = comparable(listTree(join(folder, "o")), before);
    t.true(Object.keys(theirs).length > 50, "there is something to compare");
    const differences = compareTrees(comparable(await treeEntries(tree), before), theirs);
    t.is(describeDifferences(differences), "");
    rmSync(join(folder, "o"), { recursive: true });
  });
}
