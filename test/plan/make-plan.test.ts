import test from "ava";
import { readDefinition } from "../../src/definition/read-definition.ts";
import type { BuildPlan } from "../../src/model/plan.ts";
import { explainPlan } from "../../src/plan/explain.ts";
import { makePlan, type PlanOptions } from "../../src/plan/make-plan.ts";
import { sectionSwitch } from "../../src/plan/section-switch.ts";

const usual: PlanOptions = {
  platform: { os: "linux", architecture: "amd64" },
  format: "sif",
  sections: sectionSwitch([]),
  runTests: true,
};

function planned(text: string, options: Partial<PlanOptions> = {}) {
  const { definition, diagnostics } = readDefinition(text, { file: "x.def" });
  if (definition === undefined) throw new Error(JSON.stringify(diagnostics));
  return makePlan(definition, { ...usual, ...options });
}

function planOf(text: string, options: Partial<PlanOptions> = {}): BuildPlan {
  const { plan, diagnostics } = planned(text, options);
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return plan;
}

const kinds = (plan: BuildPlan) => plan.stages.map(({ steps }) => steps.map(({ kind }) => kind));

/** Whether the root file system has to be on disk. */
const needs = (text: string, options: Partial<PlanOptions> = {}) =>
  planOf(`Bootstrap: scratch\n${text}`, options).stages[0]?.needsSandbox;

const interpreter = (heading: string) => {
  const plan = planOf(`Bootstrap: scratch\n${heading}\ntrue\n`);
  const step = plan.stages[0]?.steps.find(({ kind }) => kind === "run-in-container");
  return step?.kind === "run-in-container" ? step.script.interpreter : undefined;
};

const everything = `Bootstrap: scratch
Stage: a

Bootstrap: scratch
%test
true
%runscript
echo hi
%post
true
%files
x /x
%setup
true
%files from a
/y
%apprun foo
echo foo
%pre
true
`;

test("steps come in Apptainer's order, wherever the sections stand", (t) => {
  t.deepEqual(kinds(planOf(everything)), [
    ["bootstrap", "write-metadata"],
    [
      "run-on-host",
      "bootstrap",
      "add-apps",
      "copy-from-stage",
      "run-on-host",
      "copy-from-host",
      "run-in-container",
      "write-metadata",
      "run-test",
      "pack",
    ],
  ]);
});

test("a plan goes through JSON and back without losing anything", (t) => {
  const plan = planOf(everything);
  const restored = JSON.parse(JSON.stringify(plan)) as BuildPlan;
  t.is(explainPlan(restored), explainPlan(plan));
});

test("only scripts that act on the root file system need it on disk", (t) => {
  t.false(needs("%files\nx /x\n%environment\nexport A=1\n"));
  t.false(needs("%pre\ntrue\n"));
  t.true(needs("%setup\ntrue\n"));
  t.true(needs("%post\ntrue\n"));
  t.true(needs("%test\ntrue\n"));
  t.false(needs("%test\ntrue\n", { runTests: false }));
  t.true(needs("%apprun foo\ntrue\n"));
});

test("any app makes %post run, with the installations behind it and places for every line", (t) => {
  const plan = planOf("Bootstrap: scratch\n%post\necho P\n%appinstall foo\necho A\n");
  const step = plan.stages[0]?.steps.find(({ kind }) => kind === "run-in-container");
  if (step?.kind !== "run-in-container") throw new Error("there is no %post");
  const lines = step.script.body.split("\n").slice(0, -1);
  t.is(lines.length, step.script.lines.length);
  t.is(step.script.lines[lines.indexOf("echo P")], 3);
  t.is(step.script.lines[lines.indexOf("echo A")], 5);
  t.true(lines.indexOf("echo P") < lines.indexOf("echo A"));
});

test("the heading of a script says how it is run", (t) => {
  t.deepEqual(interpreter("%post"), { kind: "options", words: [] });
  t.deepEqual(interpreter("%post -u # strict"), { kind: "options", words: ["-u"] });
  t.deepEqual(interpreter("%post -c /bin/bash -l"), { kind: "command", text: "/bin/bash -l" });
});

test("--section switches sections off, but never %post, apps and the test run", (t) => {
  const plan = planOf(everything, { sections: sectionSwitch(["labels"]) });
  t.deepEqual(kinds(plan)[1], [
    "bootstrap",
    "add-apps",
    "run-in-container",
    "write-metadata",
    "run-test",
    "pack",
  ]);
  const written = plan.stages[1]?.steps.find(({ kind }) => kind === "write-metadata");
  t.like(written, { texts: { runscript: undefined, test: undefined } });
});

test("an update takes the sandbox in the place of the last stage's base and labels nothing of its header", (t) => {
  const plan = planOf("Bootstrap: docker\nFrom: nonexistent\n%runscript\nx\n", { update: "/box" });
  t.deepEqual(kinds(plan), [["take-sandbox", "write-metadata", "pack"]]);
  t.like(plan.stages[0]?.steps[1], { header: [] });
});

test("a base without a keyword that its agent needs is refused with the place", (t) => {
  const { plan, diagnostics } = planned("Bootstrap: docker\n");
  t.is(plan, undefined);
  t.like(diagnostics[0], {
    severity: "error",
    code: "definition/missing-keyword",
    location: { line: 1, column: 1 },
  });
  const [missing] = planned("Bootstrap: debootstrap\nOSVersion: bookworm\n").diagnostics;
  t.regex(missing?.message ?? "", /MirrorURL/);
});

test("a stage can't be copied from before it is built", (t) => {
  const { diagnostics } = planned(
    "Bootstrap: scratch\nStage: one\n%files from two\n/m /m\nBootstrap: scratch\nStage: two\n",
  );
  t.like(diagnostics[0], { code: "definition/stage-order", location: { line: 3 } });
});

test("the explanation names every step with its line", (t) => {
  t.snapshot(explainPlan(planOf(everything)));
});
