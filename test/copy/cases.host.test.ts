// What Apptainer 1.4.5 was seen to copy. Each case of cases.json is read, planned and copied by us; definition language
// and bases are judged elsewhere.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import { readNode } from "../../src/contents/read-node.ts";
import { copyAppFiles } from "../../src/copy/copy-app-files.ts";
import { copyFromHost } from "../../src/copy/copy-from-host.ts";
import { copyFromStage } from "../../src/copy/copy-from-stage.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { readFolder } from "../../src/folder/read-folder.ts";
import { writeApps } from "../../src/layout/apps.ts";
import { applyBaseLayout } from "../../src/layout/base-layout.ts";
import { ScriptError } from "../../src/model/error.ts";
import type { BuildPlan } from "../../src/model/plan.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import { sectionSwitch } from "../../src/plan/section-switch.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

interface Case {
  readonly id: string;
  readonly definition: string;
  readonly host_files?: Readonly<Record<string, string>>;
  readonly host_setup?: string;
  readonly expect: {
    readonly error?: { readonly category: string; readonly contains: string };
    readonly files?: Readonly<Record<string, Expected>>;
  };
}

interface Expected {
  readonly content?: string;
  readonly starts?: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly link?: string;
  readonly type?: "file";
  readonly absent?: boolean;
}

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, "cases.json"), "utf8"),
) as readonly Case[];

test("there are cases", (t) => {
  t.true(cases.length > 45);
});

const timeSeconds = 1_700_000_000;

for (const one of cases) {
  hostTest("root", process.geteuid?.() === 0, one.id, async (t) => {
    const folder = await scratch(t);
    for (const [name, content] of Object.entries(one.host_files ?? {})) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    mkdirSync(join(folder, "base"));
    writeFileSync(join(folder, "d.def"), one.definition);
    const setup = spawnSync("sh", ["-ec", one.host_setup ?? "true"], { cwd: folder });
    t.is(setup.status, 0, setup.stderr.toString());
    const building = buildTree(planOf(one.definition), folder);
    const { error, files = {} } = one.expect;
    if (error !== undefined) {
      const thrown = await t.throwsAsync(building, { instanceOf: ScriptError });
      // What cp itself says when a folder is missing is a target of ours.
      const ours = error.contains.startsWith("cannot create") ? "files/target" : error.category;
      t.is(thrown?.code, ours.replace(".", "/"));
      t.is(thrown?.location?.file, "d.def");
      return;
    }
    const tree = await building;
    for (const [path, expected] of Object.entries(files)) {
      const node = tree.get(path);
      if (expected.absent === true) {
        t.is(node, undefined, path);
        continue;
      }
      if (node === undefined) {
        t.fail(`${path} is missing`);
        continue;
      }
      if (expected.mode !== undefined) t.is(node.mode, parseInt(expected.mode, 8), path);
      if (expected.owner !== undefined) t.is(`${node.uid}:${node.gid}`, expected.owner);
      if (expected.type !== undefined) t.is(node.type, expected.type);
      if (expected.link !== undefined) t.like(node, { type: "symlink", target: expected.link });
      const text = node.type === "file" ? Buffer.from(await readNode(node)).toString() : "";
      if (expected.content !== undefined) t.is(text, expected.content);
      if (expected.starts !== undefined) t.true(text.startsWith(expected.starts));
    }
  });
}

function planOf(definition: string): BuildPlan {
  const read = readDefinition(definition, { file: "d.def" });
  if (read.definition === undefined) throw new Error(JSON.stringify(read.diagnostics));
  const { plan, diagnostics } = makePlan(read.definition, {
    platform: { os: "linux", architecture: "amd64" },
    format: "sandbox",
    sections: sectionSwitch([]),
    runTests: false,
  });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return plan;
}

/** The tree of the last stage, with nothing done but copies. */
async function buildTree(plan: BuildPlan, folder: string): Promise<FileTree> {
  const done: { readonly name: string | undefined; readonly tree: FileTree }[] = [];
  for (const stage of plan.stages) {
    let tree = new FileTree();
    for (const step of stage.steps) {
      if (step.kind === "bootstrap") {
        const from = step.header["from"];
        if (from !== undefined) tree = await readFolder(join(folder, from));
        applyBaseLayout(tree, { timeSeconds, overwrite: true });
      } else if (step.kind === "copy-from-stage") {
        const source = done.find(({ name }) => name === step.stage);
        if (source === undefined) throw new Error(`no stage ${step.stage}`);
        await copyFromStage(tree, source.tree, step.lines, { timeSeconds });
      } else if (step.kind === "copy-from-host") {
        await copyFromHost(tree, step.lines, { folder, timeSeconds });
      } else if (step.kind === "add-apps") {
        writeApps(tree, step.apps, { timeSeconds });
        for (const app of step.apps) await copyAppFiles(tree, app, { folder, timeSeconds });
      }
    }
    done.push({ name: stage.name, tree });
  }
  return done.at(-1)?.tree ?? new FileTree();
}
