// Scripts of definitions as RUN instructions, run: a shell must do the same with both.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { convertDefinition } from "../../src/convert/convert-definition.ts";
import { readDockerfile } from "../../src/convert/dockerfile/read-dockerfile.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { shellScript } from "../helpers/shell-script.ts";
import { toolTest } from "../helpers/tool.ts";

const value = "a  b/1.2=x";
const header = (script: string, given: string) =>
  `Bootstrap: docker\nFrom: a\n\n%arguments\nV=${given}\n2=two\n\n%post\n${script}\n`;

toolTest(["sh"], "a script does the same in %post and in RUN", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "script");
  const run = (args: readonly string[], env: Record<string, string>) => {
    const { status, stdout } = spawnSync("sh", args, {
      cwd: folder,
      env: { PATH: process.env["PATH"], ...env },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 20_000,
    });
    return { status, stdout };
  };
  const counts = { joined: 0, printed: 0 };
  fc.assert(
    fc.property(shellScript, fc.constantFrom(value, "1.2", "", "$(echo q) \"'"), (lines, given) => {
      const text = header(lines.join("\n"), given);
      const post =
        readDefinition(text, { file: "d" }).definition?.stages[0]?.sections.find(
          ({ name }) => name === "post",
        )?.body ?? "";
      writeFileSync(file, post);
      // A file is run up to its mistake; a command with one is not run at all.
      if (run(["-n", file], {}).status !== 0) return;
      const expected = run(["-ex", file], {});
      const made = convertDefinition(text, { file: "d" }).text;
      const { dockerfile } = readDockerfile(made, "D");
      const command = dockerfile?.instructions.find(({ kind }) => kind === "run");
      if (command === undefined) {
        t.deepEqual(expected, { status: 0, stdout: "" });
        return;
      }
      if (command.kind !== "run" || command.command.form !== "shell") throw new Error("no RUN");
      const joined = command.command.lines.join("");
      counts[joined.startsWith("printf") ? "printed" : "joined"]++;
      const mine = join(folder, "mine");
      const found = run(["-c", joined.replaceAll("/.tsbuild-script", mine)], {
        ...(made.includes("ARG V") ? { V: given } : {}),
        ...(made.includes("ARG arg_2") ? { arg_2: "two" } : {}),
      });
      t.deepEqual(found, expected, `${lines.join("\n")}\n---\n${joined}`);
    }),
    { numRuns: 300 },
  );
  t.true(counts.joined > 20 && counts.printed > 20, JSON.stringify(counts));
});
