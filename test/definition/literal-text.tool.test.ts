import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { scratch } from "../helpers/scratch.ts";
import { literals, markedLines } from "./literal-text.ts";

apptainerTest("Apptainer refuses every file with a marked line, so the mark is free", async (t) => {
  const folder = await scratch(t);
  for (const line of Object.keys(markedLines)) {
    for (const text of [`%help\n${line}\n`, `${line}\n%help\nx\n`]) {
      await writeFile(join(folder, "x.def"), `Bootstrap: scratch\n${text}`);
      const run = await apptainer(["build", "--sandbox", "--force", "out", "x.def"], {
        cwd: folder,
      });
      t.not(run.exitCode, 0, text);
      t.regex(run.stderr, /[Ii]nvalid section|unknown section|section\(s\) specified|header/, text);
    }
  }
});

apptainerTest("braces as an argument's value are text to Apptainer too", async (t) => {
  const folder = await scratch(t);
  const lines = Object.keys(literals).join("\n");
  const definition = `Bootstrap: scratch\n%arguments\nO={{\n%help\n${lines}\n`;
  await writeFile(join(folder, "x.def"), definition);
  const run = await apptainer(["build", "--sandbox", "out", "x.def"], { cwd: folder });
  t.is(run.exitCode, 0, run.stderr);
  const help = await readFile(join(folder, "out/.singularity.d/runscript.help"), "utf8");
  t.is(help, `${Object.values(literals).join("\n")}\n\n`);
});
