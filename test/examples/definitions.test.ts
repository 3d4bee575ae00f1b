// Definitions that we show to people are without a fault, and their folders have what they promise.

import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import test from "ava";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { checkDefinition } from "../../src/definition/check-definition.ts";
import { formatDefinition } from "../../src/definition/format-definition.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import { sectionSwitch } from "../../src/plan/section-switch.ts";
import { agentNames } from "../../src/source/find-source.ts";

const definitions = globSync(["examples/**/*.def", "definitions/**/*.def"]).toSorted();
const folders = [...new Set(definitions.map((file) => dirname(file)))].filter((folder) =>
  folder.startsWith("examples/"),
);

test("there are examples", (t) => {
  t.true(folders.length > 5);
});

for (const file of definitions) {
  test(`${file} is read, checked, formatted and planned without a word`, (t) => {
    const given = parseBuildArguments({ flags: [], files: [] });
    const read = readDefinition(readFileSync(file), {
      file,
      buildArguments: given.buildArguments,
      agents: agentNames,
    });
    t.deepEqual(checkDefinition(read), []);
    t.is(formatDefinition(readFileSync(file, "utf8"), file), readFileSync(file, "utf8"));
    if (read.definition === undefined) throw new Error("no definition");
    const made = makePlan(read.definition, {
      platform: { os: "linux", architecture: "amd64" },
      format: "sif",
      sections: sectionSwitch([]),
      runTests: true,
    });
    t.deepEqual(made.diagnostics, []);
    // What a definition copies from the host lies beside it.
    for (const step of made.plan?.stages.flatMap(({ steps }) => steps) ?? []) {
      const lines =
        step.kind === "copy-from-host"
          ? step.lines
          : step.kind === "add-apps"
            ? step.apps.flatMap((app) => app.files)
            : [];
      for (const { source } of lines) {
        t.true(source.startsWith("/") || existsSync(join(dirname(file), source)), source);
      }
    }
  });
}

for (const folder of folders) {
  test(`${folder} says what to type and what comes of it`, (t) => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    t.regex(readme, /^# .+\n\n```console\n/);
    t.regex(readme, /expected\.txt/);
    t.not(readFileSync(join(folder, "expected.txt"), "utf8"), "");
    const scripts = globSync("*.sh", { cwd: folder });
    const named = scripts.length > 0 ? scripts : globSync("*.def", { cwd: folder });
    for (const name of named) t.true(readme.includes(name), name);
    t.true(readFileSync("examples/README.md", "utf8").includes(`(${basename(folder)})`));
  });
}
