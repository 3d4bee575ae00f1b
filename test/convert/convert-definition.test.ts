import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { convertDefinition } from "../../src/convert/convert-definition.ts";
import { readDockerfile } from "../../src/convert/dockerfile/read-dockerfile.ts";
import { sourceFormat } from "../../src/convert/source-format.ts";
import { Marks } from "../../src/convert/to-dockerfile/marks.ts";
import { startCommand } from "../../src/convert/to-dockerfile/start-command.ts";
import { DefinitionError } from "../../src/model/error.ts";
import { conversionCases, lossLines } from "../helpers/conversion-cases.ts";

const cases = join(import.meta.dirname, "definitions");
const convert = (text: string) => convertDefinition(text, { file: "app.def" });
const docker = (text: string) => convert(`Bootstrap: docker\nFrom: a\n\n${text}`).text;
const told = (text: string) => lossLines(convert(text).losses);

conversionCases(cases, "app.def", "Dockerfile", convertDefinition, (t, text) => {
  t.deepEqual(readDockerfile(text, "Dockerfile").diagnostics, []);
});

test("the mistakes of a definition are told as they are", (t) => {
  const error = t.throws(() => convert("Bootstrap: docker\nFrom: a\n\n%instal\nx\n"), {
    instanceOf: DefinitionError,
  });
  t.is(error.code, "definition/unknown-section");
});

/** The ENV lines of a Dockerfile, and `script` for each line about the rest. */
const env = (lines: string, value = "1.2") =>
  docker(`%arguments\n    v=${value}\n\n%environment\n${lines}\n\n%runscript\n    a\n    b\n`)
    .split("\n")
    .filter((line) => line.startsWith("ENV ") || line.includes("with-environment"))
    .map((line) => (line.startsWith("ENV ") ? line : "script"));

test("plain values become ENV, and from the first other line on all is a script", (t) => {
  t.deepEqual(env("export A=b"), ["ENV A=b"]);
  t.deepEqual(env('  export A=\'$x "\' B="$B\\`\\n" C=${PATH}e\\ f  # note'), [
    'ENV A="\\$x \\"" B="$B`\\\\n" C="${PATH}e f"',
  ]);
  t.deepEqual(env("export A= B={{ v }} C='{{ v }}'"), ['ENV A="" B="${v}" C="${v}"']);
  t.deepEqual(env("export A=1\nexport B=$A C=$B"), ["ENV A=1", "script", "script", "script"]);
  t.deepEqual(env("export A=1\nexport B=$A\nexport C=$B"), ["ENV A=1", 'ENV B="$A"', 'ENV C="$B"']);
  // What is not exported is not seen, but may be used or exported later.
  t.deepEqual(env("A=x$A\nB=$A/y\nexport C=$B D\nexport B"), ["script", "script", "script"]);
  t.deepEqual(env("A=x$A\nB=$A/y\nexport C=$B\nexport B\nB=z"), [
    'ENV C="x$A/y"',
    'ENV B="x$A/y"',
    "ENV B=z",
  ]);
  t.deepEqual(env("PATH=/x:$PATH\nexport PATH;"), ['ENV PATH="/x:$PATH"']);
  t.deepEqual(env("export A=b; export C=d # c"), ["ENV A=b", "ENV C=d"]);
  t.deepEqual(env("A=b"), []);
  t.true(
    told("Bootstrap: docker\nFrom: a\n\n%environment\n    A=b\n").some((line) =>
      line.startsWith("5:5 convert/lost A is left out"),
    ),
  );
  for (const line of [
    "export A",
    "export A=$HOME/x",
    'export A="${HOME}"',
    "export A=$(x)",
    "export A=`x`",
    'export A="$(x)"',
    'export A="${B:-c}"',
    "export A=b; x",
    "export A=b; B=$A",
    "export A=b && x",
    "export A=~/x",
    "export A=*",
    "export A='b",
    "export A=b\\",
    "export",
    "exported A=b",
    "export -n A=b",
    "A=b B=c",
    "A=b c",
    ". /x",
  ]) {
    t.deepEqual(env(line), ["script", "script", "script"], line);
  }
  // What a shell would make something else of is only text as a variable.
  for (const line of ["export A={{ v }}", "export A='{{ v }}'", 'export A="{{ v }}"']) {
    t.deepEqual(env(line, "a'b\"$c `d`"), ["script", "script", "script"], line);
  }
});

test("a runscript that starts a program is an ENTRYPOINT without a script", (t) => {
  const marks = new Marks("{{ v }}");
  const start = (body: string, options = "") => startCommand(`${body}\n`, options, marks);
  const entrypoint = (body: string) => start(body)?.entrypoint;
  t.deepEqual(entrypoint('exec python3 /a.py "$@"'), ["python3", "/a.py"]);
  t.deepEqual(entrypoint('# c\n\n  /a/b \'x y\' "\\$z"q "$@"'), ["/a/b", "x y", "$zq"]);
  t.deepEqual(entrypoint('#!/bin/bash\nexec a "$@"'), ["a"]);
  t.deepEqual(entrypoint('exec "$@"'), []);
  t.deepEqual(entrypoint("echo hello $1"), ["/bin/sh", "-c", "echo hello $1", "runscript"]);
  t.deepEqual(entrypoint('echo "$@"'), ["/bin/sh", "-c", 'echo "$@"', "runscript"]);
  t.deepEqual(entrypoint('A=b c "$@"'), ["/bin/sh", "-c", 'A=b c "$@"', "runscript"]);
  t.deepEqual(start("if [ $# -eq 0 ]; then\nset -- a 'b c'\nfi\nexec e \"$@\""), {
    entrypoint: ["e"],
    cmd: ["a", "b c"],
  });
  for (const body of [
    "#!/usr/bin/python3\nprint(1)",
    "#!/bin/bash\necho x",
    'a\nexec b "$@"',
    `exec ${marks.of("v")} "$@"`,
    "cat <<E",
    "a \\",
  ]) {
    t.is(start(body), undefined, body);
  }
  t.is(start('exec a "$@"', " -e"), undefined);
});

test("a runscript is never where Apptainer's would be, as that would start itself when the image is a base", (t) => {
  const text = docker("%runscript\n    echo a\n    echo b\n");
  t.true(text.includes('ENTRYPOINT ["/.tsbuild/runscript"]\n'));
  t.false(text.includes(".singularity.d"));
});

test("nothing that only some builders know is written", (t) => {
  const text = docker(
    "%post\n    cat <<E\nhello\nE\n\n%runscript\n    echo a\n    cat <<E\nx\nE\n\n%files\n    a /a\n",
  );
  const { dockerfile } = readDockerfile(text, "Dockerfile");
  for (const instruction of dockerfile?.instructions ?? []) {
    if (instruction.kind !== "run" && instruction.kind !== "copy") continue;
    t.deepEqual(instruction.flags, []);
    if (instruction.kind === "run" && instruction.command.form === "shell") {
      t.deepEqual(instruction.command.heredocs, []);
    }
  }
  t.false(text.includes("# syntax"));
});

test("a base that Docker can't fetch has to be given, and is never replaced by nothing", (t) => {
  for (const [agent, from] of [
    ["localimage", "a.sif"],
    ["library", "debian"],
    ["shub", "x/y"],
    ["oras", "h/x:y"],
    ["oci", "folder:tag"],
    ["oci-archive", "a.tar"],
    ["docker-archive", "a.tar"],
    ["host", "x"],
    ["yum", "x"],
    ["dnf", "x"],
    ["zypper", "x"],
    ["docker", "not an image"],
  ]) {
    const { text, losses } = convert(`Bootstrap: ${agent}\nFrom: ${from}\n`);
    t.is(text, "ARG BASE\n\nFROM ${BASE}\n", agent);
    t.like(losses[0], { code: "convert/lost", location: { line: 1 } }, agent);
    t.is(losses.length, 1);
  }
  t.is(convert("Bootstrap: scratch\n").text, "FROM scratch\n");
  t.is(convert("Bootstrap: docker-daemon\nFrom: mine:1\n").text, "FROM mine:1\n");
  t.is(convert("Bootstrap: busybox\nMirrorURL: x\n").text, "FROM busybox\n");
});

test("stages whose names can't be Docker's are called by number", (t) => {
  const { text } = convert(
    `Bootstrap: docker\nFrom: debian\nStage: Go!\n\n%post\n    a\n
Bootstrap: docker\nFrom: x\nStage: debian\n
Bootstrap: docker\nFrom: y\n\n%files from Go!\n    /a /opt/\n\n%files from debian\n    /b /opt/\n`,
  );
  t.true(text.includes("FROM debian\n"));
  t.true(text.includes("FROM x\n"));
  t.true(text.includes("COPY --from=0 /a /opt/a\nCOPY --from=1 /b /opt/b\n"));
});

test("a stage that is not built yet is no image of that name", (t) => {
  const { text } = convert(
    "Bootstrap: docker\nFrom: a\nStage: one\n\n%files from two\n    /x /y\n\nBootstrap: docker\nFrom: b\nStage: two\n",
  );
  t.false(text.includes("COPY"));
});

test("the same argument with two defaults in FROM is told", (t) => {
  const text = [1, 2].map(
    (value) => `Bootstrap: docker\nFrom: a:{{ V }}\n\n%arguments\n    V=${value}\n`,
  );
  t.true(told(text.join("\n")).some((line) => line.includes("default of a stage above")));
});

test("what a file is shows in its text", (t) => {
  t.is(sourceFormat("x", "# c\nFROM a\n"), "dockerfile");
  t.is(sourceFormat("Dockerfile", "\n# c\nbootstrap : docker\n"), "definition");
  t.is(sourceFormat("a.def", "ARG x=1\nFROM $x\n"), "dockerfile");
  t.is(sourceFormat("a/Containerfile.dev", "nothing"), "dockerfile");
  t.is(sourceFormat("a.def", ""), "definition");
});

const token = fc.constantFrom(
  ..."%post|%post -c /bin/bash|%files|%files from s|%environment|%labels|%runscript|%startscript|%arguments|%appinstall a|%apprun a|%appfiles a|%test|%setup|\n|\n|\n|export A=|{{ a }}|{{ 1 }}|{{ c }}|a=b|b={{ a }}|>/.tsbuild-script|#!/bin/sh|'|\"|\\|$x|$(y)| | |/x|<<E|*|#|[|Bootstrap: docker\nFrom: b\nStage: s\n|\r\n|é😀".split(
    "|",
  ),
);

test("a backslash in front of an argument is one in front of its value", (t) => {
  for (const line of ["echo \\{{ a }}", 'echo "\\{{ a }}"']) {
    const { text } = convert(
      `Bootstrap: docker\nFrom: b\n\n%arguments\n    a=1\n\n%post\n    ${line}\n`,
    );
    t.regex(text, /printf/, "the script is made as it is, and then run");
    t.true(text.includes('"${a}"'), text);
    t.notRegex(text, /[\ue000-\uf8ff]/);
  }
});

test("whatever the definition, there are only our errors, and what comes out is a Dockerfile", (t) => {
  let made = 0;
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
      let text: string;
      try {
        text = convert(
          `Bootstrap: docker\nFrom: a\nStage: s\n\n%arguments\na=1\n1=2\n${tokens.join("")}\n`,
        ).text;
      } catch (error) {
        if (error instanceof DefinitionError) return;
        throw error;
      }
      made++;
      const { dockerfile, diagnostics } = readDockerfile(text, "Dockerfile");
      t.deepEqual(diagnostics, [], text);
      t.true(dockerfile?.instructions.some(({ kind }) => kind === "from"));
      // No mark is left.
      t.notRegex(text, /[\ue000-\uf8ff]/);
    }),
    { numRuns: 2000 },
  );
  t.true(made > 100);
});
