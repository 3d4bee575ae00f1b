// The commands of each example's README, typed as they stand there, print what its expected.txt holds.

import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { checkout, tsbuild } from "../helpers/build.ts";
import { scratch } from "../helpers/scratch.ts";

/** What can't be tried without a network or programs that few machines have. */
const elsewhere = new Set(["examples/05-mpi"]);

const folders = globSync("examples/*/README.md", { cwd: checkout })
  .map((file) => dirname(file))
  .filter((folder) => !elsewhere.has(folder))
  .toSorted();

for (const folder of folders) {
  apptainerTest(`the commands of ${folder} do what it says`, async (t) => {
    const place = await scratch(t);
    cpSync(join(checkout, "examples"), join(place, "examples"), { recursive: true });
    const programs = join(place, "programs");
    mkdirSync(programs);
    const program = (name: string, command: string) => {
      writeFileSync(join(programs, name), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    };
    program("tsbuild", `'${process.execPath}' '${join(checkout, "bin/tsbuild.cjs")}'`);
    program("apptainer", `'${join(checkout, "test/judges/apptainer")}'`);
    const readme = readFileSync(join(checkout, folder, "README.md"), "utf8");
    const blocks = [...readme.matchAll(/```console\n([^]*?)```/g)].map((match) => match[1] ?? "");
    const ran = await execa("sh", ["-euc", blocks.join("\n")], {
      cwd: place,
      env: { PATH: `${programs}:${process.env["PATH"] ?? ""}` },
      reject: false,
      stdin: "ignore",
      stripFinalNewline: false,
    });
    t.is(ran.exitCode, 0, `${ran.stdout}\n${ran.stderr}`);
    const expected = readFileSync(join(checkout, folder, "expected.txt"), "utf8");
    t.true(ran.stdout.includes(expected), `${ran.stdout}\n${ran.stderr}`);
  });
}

apptainerTest("the definition of the host's tools gives tools that work", async (t) => {
  const place = await scratch(t);
  const file = join(checkout, "definitions/host-tools.def");
  const built = await tsbuild(["build", "tools.sif", file], { cwd: place });
  t.is(built.exitCode, 0, built.stderr);
  const script =
    "printf 'b\\na\\n' | sort | sed s/a/A/ | tar -cf - --files-from=/dev/null | wc -c; ls / | grep usr";
  const ran = await apptainer(["run", "tools.sif", "-c", script], { cwd: place });
  t.is(ran.stdout, "10240\nusr\n", ran.stderr);
});
