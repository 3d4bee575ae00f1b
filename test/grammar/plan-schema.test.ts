import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { runCli } from "../helpers/run-cli.ts";
import { makePlan, type PlanOptions } from "../../src/plan/make-plan.ts";
import { sectionSwitch } from "../../src/plan/section-switch.ts";
import { randomDefinition, randomNumbers } from "../definition/random-definition.ts";

const root = join(import.meta.dirname, "../..");
const schema = JSON.parse(readFileSync(join(root, "grammar/plan.schema.json"), "utf8")) as object;
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);

/** What is wrong with a plan as a program reads it. */
function faults(printed: string): unknown {
  return validate(JSON.parse(printed)) ? [] : validate.errors;
}

const options: PlanOptions = {
  platform: { os: "linux", architecture: "amd64" },
  format: "sif",
  sections: sectionSwitch([]),
  runTests: true,
};

function planned(text: string, given: Partial<PlanOptions> = {}): string | undefined {
  const { buildArguments } = parseBuildArguments({ flags: [], files: [] });
  const { definition } = readDefinition(text, { file: "x.def", buildArguments });
  if (definition === undefined) return undefined;
  const { plan } = makePlan(definition, { ...options, ...given });
  return plan === undefined ? undefined : JSON.stringify(plan);
}

for (const file of globSync(["examples/**/*.def", "definitions/**/*.def"], { cwd: root })) {
  test(`the plan of ${file} is as the schema says`, async (t) => {
    const { exitCode, stdout } = await runCli(["plan", "--json", file], root);
    t.is(exitCode, 0);
    t.deepEqual(faults(stdout), []);
  });
}

const everything = `Bootstrap: scratch
Stage: a

Bootstrap: docker
From: debian:12
%pre -c bash
true
%setup
true
%files from a
/y
%files
x /x
%post -c /bin/bash
true
%help
h
%labels
A b
%environment
export A=1
%runscript -e # c
x
%startscript
x
%test
true
%apprun foo
x
%appinstall foo
x
%appfiles foo
a b
%applabels foo
A b
%appenv foo
x
%apptest foo
x
%apphelp foo
x
%appstart foo
x
`;

test("plans with every kind of step are as the schema says", (t) => {
  const kinds = new Set<string>();
  for (const given of [
    {},
    { format: "sandbox" as const, update: "/box" },
    { platform: { os: "linux" as const, architecture: "arm", variant: "v7" } },
  ]) {
    const printed = planned(everything, given) ?? "{}";
    t.deepEqual(faults(printed), []);
    for (const [, kind = ""] of printed.matchAll(/"kind":"([a-z-]+)"/g)) kinds.add(kind);
  }
  const known = [...JSON.stringify(schema).matchAll(/"kind":\{"const":"([a-z-]+)"/g)];
  t.deepEqual([...kinds].toSorted(), known.map(([, kind = ""]) => kind).toSorted());
});

test("plans of random definitions are as the schema says", (t) => {
  let count = 0;
  for (let seed = 0; seed < 300; seed++) {
    const printed = planned(randomDefinition(randomNumbers(seed)));
    if (printed === undefined) continue;
    count++;
    t.deepEqual(faults(printed), [], String(seed));
  }
  t.true(count > 50, String(count));
});

test("the schema sees what is missing, too much or of another kind", (t) => {
  const plan = JSON.parse(planned(everything) ?? "{}") as {
    version: number;
    stages: { steps: object[]; needsSandbox?: unknown }[];
  };
  t.true(validate(plan));
  t.false(validate({ ...plan, version: 2 }));
  t.false(validate({ ...plan, more: 1 }));
  t.false(validate({ ...plan, file: undefined }));
  const [stage] = plan.stages;
  t.false(validate({ ...plan, stages: [{ ...stage, steps: [{ kind: "dance" }] }] }));
  t.false(validate({ ...plan, stages: [{ ...stage, needsSandbox: "yes" }] }));
});
