// What Apptainer 1.4.5 was seen to make of definitions, as far as it shows in /.singularity.d and its neighbours. Each
// case of cases.json is read, planned and laid out by us, without running or fetching anything.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readNode } from "../../src/contents/read-node.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { readFolder } from "../../src/folder/read-folder.ts";
import { writeApps } from "../../src/layout/apps.ts";
import { applyBaseLayout } from "../../src/layout/base-layout.ts";
import { cleanUp } from "../../src/layout/clean-up.ts";
import { applyMadeRunscript } from "../../src/layout/made-runscript.ts";
import { writeMetadata, type LayoutWarning } from "../../src/layout/metadata.ts";
import { applyOciConfig, type OciSettings } from "../../src/layout/oci-config.ts";
import type { BuildPlan, Step } from "../../src/model/plan.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import { sectionSwitch } from "../../src/plan/section-switch.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { relocated, treeOf, writeTree } from "../helpers/literal-tree.ts";
import { scratch } from "../helpers/scratch.ts";

interface Member {
  readonly n: string;
  readonly t?: "f" | "d" | "l";
  readonly data?: string;
  readonly mode?: number;
  readonly link?: string;
}

interface Case {
  readonly id: string;
  readonly definition: string;
  readonly args?: readonly string[];
  /** Shell text that makes the sandbox which the definition starts from, in a folder that has one called `base`. */
  readonly host_setup?: string;
  readonly oci_image?: {
    readonly config: OciSettings;
    readonly layers: "base" | readonly (readonly Member[])[];
  };
  readonly expect: {
    readonly header_absent?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly files?: Readonly<Record<string, Expected>>;
    readonly stdout?: readonly string[];
    readonly stdout_not?: readonly string[];
    readonly warnings?: readonly string[];
  };
}

interface Expected {
  readonly content?: string;
  readonly starts?: string;
  readonly ends?: string;
  readonly lines?: readonly string[];
  readonly mode?: string;
  readonly link?: string;
  readonly type?: "file" | "dir";
  readonly absent?: boolean;
}

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, "cases.json"), "utf8"),
) as readonly Case[];

const context = { timeSeconds: 1_700_000_000 };

test("there are cases", (t) => {
  t.true(cases.length > 30);
});

for (const wanted of cases) {
  test(wanted.id, async (t) => {
    const isUpdate = wanted.args?.includes("--update") === true;
    const plan = planOf(wanted.definition, isUpdate);
    const stage = plan.stages.at(-1);
    if (stage === undefined) throw new Error("no stage");
    const tree = await baseOf(t, wanted, stage.steps);
    writeApps(tree, [], context);
    const warnings: LayoutWarning[] = [];
    let post = "";
    for (const step of stage.steps) {
      if (step.kind === "add-apps") writeApps(tree, step.apps, context);
      if (step.kind === "run-in-container") post = step.script.body;
      if (step.kind === "write-metadata") {
        const force = wanted.args?.includes("--force") === true;
        warnings.push(...(await metadata(tree, plan, step, force)));
        cleanUp(tree);
      }
    }
    for (const [path, expected] of Object.entries(wanted.expect.files ?? {})) {
      await checkFile(t, tree, path, expected);
    }
    await checkLabels(t, tree, wanted.expect);
    for (const text of wanted.expect.warnings ?? []) {
      t.true(
        warnings.some(({ message }) => message.includes(text)),
        text,
      );
    }
    if (wanted.expect.warnings === undefined) t.deepEqual(warnings, []);
    if (wanted.expect.stdout !== undefined) await checkOutput(t, tree, post, wanted.expect);
  });
}

function planOf(text: string, isUpdate: boolean): BuildPlan {
  const read = readDefinition(Buffer.from(text), { file: "d.def" });
  if (read.definition === undefined) throw new Error(JSON.stringify(read.diagnostics));
  const made = makePlan(read.definition, {
    platform: { os: "linux", architecture: "amd64" },
    format: "sandbox",
    sections: sectionSwitch([]),
    runTests: true,
    ...(isUpdate ? { update: "o" } : {}),
  });
  if (made.plan === undefined) throw new Error(JSON.stringify(made.diagnostics));
  return made.plan;
}

async function baseOf(
  t: ExecutionContext,
  wanted: Case,
  steps: readonly Step[],
): Promise<FileTree> {
  const first = steps.find(({ kind }) => kind === "bootstrap" || kind === "take-sandbox");
  if (first?.kind === "take-sandbox") return sandbox(t, wanted.host_setup, "o");
  if (first?.kind !== "bootstrap") throw new Error("the plan starts from nothing");
  let tree = new FileTree();
  if (first.agent === "localimage") {
    tree = await sandbox(t, wanted.host_setup, first.header["from"] ?? "");
    applyBaseLayout(tree, { ...context, overwrite: false });
  } else if (wanted.oci_image !== undefined) {
    const { layers, config } = wanted.oci_image;
    tree = treeOf(layers === "base" ? {} : Object.fromEntries(layers.flat().map(entryOf)));
    applyBaseLayout(tree, { ...context, overwrite: true });
    applyOciConfig(tree, config, context);
  } else {
    t.is(first.agent, "scratch");
    applyBaseLayout(tree, { ...context, overwrite: true });
    applyMadeRunscript(tree, context);
  }
  return tree;
}

const entryOf = ({ n, t: type, data, link, mode }: Member) =>
  [
    type === "d" ? `${n}/` : n,
    {
      ...(data === undefined ? {} : { text: data }),
      ...(link === undefined ? {} : { link }),
      ...(mode === undefined ? {} : { mode }),
    },
  ] as const;

async function sandbox(
  t: ExecutionContext,
  setup: string | undefined,
  start: string,
): Promise<FileTree> {
  const folder = await scratch(t);
  for (const name of ["bin", "etc"]) mkdirSync(join(folder, "base", name), { recursive: true });
  writeFileSync(join(folder, "base/bin/sh"), "");
  if (setup !== undefined) execFileSync("sh", ["-ec", setup], { cwd: folder });
  return readFolder(join(folder, start));
}

function metadata(
  tree: FileTree,
  plan: BuildPlan,
  step: Extract<Step, { kind: "write-metadata" }>,
  force: boolean,
): Promise<readonly LayoutWarning[]> {
  return writeMetadata(
    tree,
    {
      ...context,
      texts: step.texts,
      stored: plan.definition,
      encoding: plan.encoding,
      force,
      labels: {
        time: { seconds: context.timeSeconds, timeZone: "UTC" },
        platform: plan.platform,
        builder: "tsbuild 0.1.0",
        header: step.header,
      },
    },
    readNode,
  );
}

async function checkFile(
  t: ExecutionContext,
  tree: FileTree,
  path: string,
  expected: Expected,
): Promise<void> {
  const node = tree.get(path);
  if (expected.absent === true) t.is(node, undefined, path);
  if (expected.link !== undefined) t.like(node, { target: expected.link }, path);
  if (expected.type === "dir") t.is(node?.type, "directory", path);
  if (expected.type === "file") t.is(node?.type, "file", path);
  if (expected.mode !== undefined) t.is(node?.mode, Number.parseInt(expected.mode, 8), path);
  const { content, starts, ends, lines } = expected;
  if ((content ?? starts ?? ends ?? lines) === undefined) return;
  if (node?.type !== "file") throw new Error(`${path} is ${node?.type ?? "not there"}`);
  const text = Buffer.from(await readNode(node)).toString("utf8");
  if (content !== undefined) t.is(text, content, path);
  if (starts !== undefined) t.is(text.slice(0, starts.length), starts, path);
  if (ends !== undefined) t.is(text.slice(-ends.length), ends, path);
  for (const line of lines ?? []) t.true(text.split("\n").includes(line), `${path}: ${line}`);
}

async function checkLabels(
  t: ExecutionContext,
  tree: FileTree,
  expect: Case["expect"],
): Promise<void> {
  const node = tree.get(".singularity.d/labels.json");
  if (node?.type !== "file") throw new Error("no labels");
  const labels = JSON.parse(Buffer.from(await readNode(node)).toString("utf8")) as Readonly<
    Record<string, string>
  >;
  for (const [key, value] of Object.entries(expect.labels ?? {})) t.is(labels[key], value, key);
  for (const key of expect.header_absent ?? []) {
    t.is(labels[`org.label-schema.usage.singularity.deffile.${key}`], undefined, key);
  }
}

/** Runs `%post` and the installations in a copy of the tree whose paths lead into a folder. */
async function checkOutput(
  t: ExecutionContext,
  tree: FileTree,
  post: string,
  expect: Case["expect"],
): Promise<void> {
  const folder = await scratch(t);
  writeTree(tree, folder, relocated);
  const ran = spawnSync("sh", ["-e", "-c", relocated(post, folder)], { encoding: "utf8" });
  t.is(ran.status, 0, ran.stderr);
  const seen = ran.stdout.replaceAll(folder, "");
  for (const text of expect.stdout ?? []) t.true(seen.includes(`${text}\n`), seen);
  for (const text of expect.stdout_not ?? []) t.false(seen.split("\n").includes(text), seen);
}
