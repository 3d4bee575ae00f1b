// Scripts of definitions as RUN instructions, run: a shell must do the same with both.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { convertDefinition } from "../../src/convert/convert-definition.ts";
import { readDockerfile } from "../../src/convert/dockerfile/read-dockerfile.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { toolTest } from "../helpers/tool.ts";

const value = "a  b/1.2=x";
const header = (script: string, given: string) =>
  `Bootstrap: docker\nFrom: a\n\n%arguments\nV=${given}\n2=two\n\n%post\n${script}\n`;

const simple = fc.constantFrom(
  "echo a",
  "  echo indented",
  "x=1; echo $x",
  `echo "$x" 'q  r' \\" \\' \\\\ "\\""`,
  "echo then",
  "echo do",
  "echo if {",
  "# a comment \\",
  "   # it's another {{ V }}",
  "echo a # it's a comment",
  "echo a#b '#' \"# x\" \\# x",
  'echo "$(echo "a # b")" `echo "c"` $(echo $(echo d))',
  "echo a \\",
  "echo \\",
  "{ echo x; } 2>/dev/null",
  "echo a;",
  "{ true; } &",
  "wait",
  "",
  "   ",
  "false",
  "false || echo b",
  "! false",
  "echo ${x:-y} ${x#1} ${x%1} ${#x} $# $((1 + (2)))",
  'echo "${x:-\'a}" "${x:-}"',
  "set +e",
  "(exit 3)",
  "exit 0",
  "exit 4",
  "echo {{ V }} z",
  "echo {{ V }}{{ 2 }}",
  "echo '{{ V }}' \"{{ V }}\" \"'{{ V }}'\" \\'{{ 2 }}\\'",
  "Y={{ 2 }}; echo $Y",
  'Y="{{ V }}"; echo $Y',
  'echo "$(echo {{ V }} "{{ V }}")"',
  "echo $V ${V:-unset}",
  "V={{ V }} echo $V",
  "echo a\\ ",
  "read line || echo no input",
  "echo 'single",
  'echo "double',
  'x="$(echo',
  "echo é😀 ' ' x",
);

const { script } = fc.letrec<{ script: string[]; block: string[] }>((tie) => ({
  script: fc
    .array(fc.oneof({ arbitrary: simple.map((line) => [line]), weight: 4 }, tie("block")), {
      maxLength: 5,
    })
    .map((blocks) => blocks.flat()),
  block: fc
    .tuple(fc.nat(11), tie("script"), tie("script"))
    .map(([kind, first, second]): string[] => {
      switch (kind) {
        case 0:
          return ["if true; then", ...first, "fi"];
        case 1:
          return ["if false", "then", ...first, "else", ...second, "echo", "fi"];
        case 2:
          return ["for i in 1 2; do", "echo $i", ...first, "done"];
        case 3:
          return ["f() {", "echo f", ...first, "}", "f"];
        case 4:
          return ["f()", "{", "echo f", ...first, "}", "f"];
        case 5:
          return ["(", "echo sub", ...first, ")"];
        case 6:
          return ["case x in", "x) echo y", ...first, ";;", "esac"];
        case 7:
          return ["cat <<E", ...first, "$x `echo y` \\", "E"];
        case 8:
          return ["cat <<'E'; echo z", ...first, "E"];
        case 9:
          return ["true &&", "echo o", "echo a |", "cat", ...first];
        case 10:
          return ["{", "echo g", ...first, "}"];
        default:
          return ["while false", "do", "echo", "done", "false ||", "echo o", ...first];
      }
    }),
}));

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
    fc.property(script, fc.constantFrom(value, "1.2", "", "$(echo q) \"'"), (lines, given) => {
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
