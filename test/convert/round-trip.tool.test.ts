// A definition that went to a Dockerfile and back says the same: a shell runs the scripts of both.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { convertDefinition } from "../../src/convert/convert-definition.ts";
import { convertDockerfile } from "../../src/convert/convert-dockerfile.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { shellScript } from "../helpers/shell-script.ts";
import { toolTest } from "../helpers/tool.ts";

const environment = fc.array(
  fc.constantFrom(
    "export A=1",
    "export B='two words' C=\"$PATH\"",
    'A="x$A"',
    "export A",
    "export D={{ V }}",
    'export D="{{ V }}/$A" A=3',
    'B=\\$x\\"; export B',
    'if [ -n "$A" ]; then',
    "    export C=$(echo c) A=4; fi",
    "# export A=no",
    "unset A",
  ),
  { maxLength: 5 },
);
const labels = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z.-]{0,5}$/),
  fc.constantFrom("a", "two  words", '"$x" \\ `', "{{ V }}", "it's", ""),
  { maxKeys: 3 },
);
const runscript = fc.constantFrom(
  'exec echo "$@"',
  'echo "$A|$B|$C|$D" \'a b\' "$@"',
  'exec echo \'x  y\' "\\$z" "$@"',
  "if [ $# -eq 0 ]; then\n    set -- d 'e f'\nfi\nexec echo g \"$@\"",
  'for word in "$@"; do\n    echo "[$word] {{ V }}"\ndone',
  "cat <<E\n$A {{ V }} $#\nE",
  '#!/bin/sh -e\nfalse || echo "$B"\nfalse\necho no',
  'exec "$@"',
);

const sectionsOf = (text: string) => {
  const stage = readDefinition(text, { file: "d" }).definition?.stages.at(-1);
  return (name: string) => stage?.sections.find((section) => section.name === name)?.body ?? "";
};

toolTest(["sh"], "a definition that went to a Dockerfile and back does the same", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  // Where the image's own files would lie.
  const own = (text: string) => text.replaceAll(/\/\.tsbuild\b/g, join(folder, "own"));
  const run = (text: string, options: readonly string[], words: readonly string[] = []) => {
    writeFileSync(join(folder, "script"), own(text));
    const { status, stdout } = spawnSync("sh", [...options, join(folder, "script"), ...words], {
      cwd: folder,
      env: { PATH: process.env["PATH"] },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 20_000,
    });
    return { status, stdout };
  };
  let ran = 0;
  fc.assert(
    fc.property(
      shellScript,
      environment,
      labels,
      runscript,
      fc.constantFrom("1.2", "a b", 'q"$x', ""),
      (post, variables, pairs, start, value) => {
        const text = [
          "Bootstrap: docker\nFrom: debian:12\n",
          `%arguments\nV=${value}\n2=two\n`,
          `%post\n${post.join("\n")}\n`,
          `%environment\n${variables.join("\n")}\n`,
          `%labels\n${Object.entries(pairs)
            .map(([key, label]) => `${key} ${label}\n`)
            .join("")}`,
          `%runscript\n${start}\n`,
        ].join("\n");
        const before = sectionsOf(text);
        if (run(before("post"), ["-n"]).status !== 0) return;
        if (run(before("environment"), ["-n"]).status !== 0) return;
        const { text: dockerfile } = convertDefinition(text, { file: "d" });
        const back = convertDockerfile(dockerfile, { file: "D" }).text;
        const after = sectionsOf(back);
        t.is(back.split("\n\n", 1)[0], "Bootstrap: docker\nFrom: debian:12");
        t.deepEqual(lines(after("labels")), lines(before("labels")));
        t.deepEqual(
          run(after("post"), ["-ex"]),
          run(before("post"), ["-ex"]),
          `${text}\n---\n${dockerfile}\n---\n${back}`,
        );
        // Scripts of the image's own were written if %post came to its end.
        if (run(before("post"), ["-ex"]).status !== 0) return;
        ran++;
        for (const words of [[], ["echo", "b  c", "$A"]]) {
          const started = (sections: typeof after) => {
            const body = sections("runscript");
            const script = body.startsWith("#!") ? body : `#!/bin/sh\n${body}`;
            writeFileSync(join(folder, "start"), own(script), { mode: 0o755 });
            return run(`${sections("environment")}\nexec ./start "$@"`, [], words).stdout;
          };
          t.is(started(after), started(before), `${text}\n---\n${dockerfile}\n---\n${back}`);
        }
      },
    ),
    { numRuns: 80 },
  );
  t.true(ran > 10);
});

const lines = (body: string) =>
  body
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .toSorted();
