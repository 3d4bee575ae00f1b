// What real shells make of the scripts that stand for an OCI image's configuration.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ociEnvironment } from "../../src/layout/oci-environment.ts";
import { ociRunscript } from "../../src/layout/oci-runscript.ts";
import { runShell, shells } from "../helpers/shells.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

const nasty = [
  "",
  " ",
  "a b",
  "$HOME ${HOME} $(id) `id`",
  'it\'s "quoted" \\ and \\\\ \\$x',
  "tab\tline\nfeed\n",
  "*?[a-z]{a,b}~!#&;|<>()%^=",
  "-n",
  "--",
  "ünï€𝄞",
  "}",
  "'",
  '"',
  "\\",
  "trailing\\",
];

/** The words that `printf '%s\\0'` was given. */
const words = (out: string) => out.split("\0").slice(0, -1);

for (const [name, command] of shells) {
  toolTest([name], "environment values come back as they are", async (t) => {
    const file = join(await scratch(t), "env.sh");
    const variables = nasty.map((value, index) => [`V${index}`, value] as const);
    const names = variables.map(([variable]) => variable);
    writeFileSync(file, ociEnvironment(["PATH=/x:$y", ...variables.map((pair) => pair.join("="))]));
    const print = ["PATH", ...names].map((variable) => `printf '%s\\0' "$${variable}"`).join("\n");
    const ran = runShell(command, ["-c", `. ${file}\n${print}`]);
    t.is(ran.stderr, "");
    t.deepEqual(ran.stdout.split("\0").slice(0, -1), ["/x:$y", ...nasty]);
  });

  toolTest([name], "any text as an environment value", async (t) => {
    const file = join(await scratch(t), "env.sh");
    const meaning = fc.constantFrom(...Array.from("{},.$\"'\\` \n;~*()a1-"));
    const value = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: meaning }));
    const text = fc.array(value, { minLength: 100, maxLength: 100 });
    t.notThrows(() => {
      fc.assert(
        fc.property(text, (values) => {
          const clean = values.map((value) => value.replaceAll("\0", "").toWellFormed());
          const entries = clean.map((value, index) => `V${index}=${value}`);
          const print = clean.map((_, index) => `printf '%s\\0' "$V${index}"`).join("\n");
          writeFileSync(file, `${ociEnvironment(entries)}${print}\n`);
          const ran = runShell(command, [file]);
          return ran.stderr === "" && ran.stdout === clean.map((value) => `${value}\0`).join("");
        }),
        { numRuns: 10 },
      );
    });
  });

  toolTest([name], "a variable that is set keeps its value, but PATH is the image's", async (t) => {
    const file = join(await scratch(t), "env.sh");
    writeFileSync(file, ociEnvironment(["PATH=/image", "A=image", "B"]));
    const ran = runShell(command, ["-c", `. ${file}; echo "$PATH $A [$B]"; echo "\${B-unset}"`], {
      A: "user",
    });
    t.is(ran.stdout, "/image user []\n\n");
  });

  const print = ["printf", "%s\\0"];
  const run = (
    folder: string,
    entrypoint: readonly string[],
    cmd: readonly string[],
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) => {
    const file = join(folder, "runscript");
    writeFileSync(file, ociRunscript(entrypoint, cmd));
    return runShell(command, [file, ...args], environment);
  };

  for (const [mode, environment] of [
    ["evaluating", {}],
    ["not evaluating", { SINGULARITY_NO_EVAL: "1" }],
  ] as const) {
    toolTest([name], `entrypoint, cmd and arguments, ${mode}`, async (t) => {
      const folder = await scratch(t);
      const e = [...print, "E"];
      const c = ["C 1", "C2"];
      t.deepEqual(words(run(folder, e, c, [], environment).stdout), ["E", "C 1", "C2"]);
      t.deepEqual(words(run(folder, e, c, ["A 1"], environment).stdout), ["E", "A 1"]);
      t.deepEqual(words(run(folder, e, [], [], environment).stdout), ["E"]);
      t.deepEqual(words(run(folder, e, [], ["A"], environment).stdout), ["E", "A"]);
      t.deepEqual(words(run(folder, [], [...print, "C"], [], environment).stdout), ["C"]);
      t.deepEqual(words(run(folder, [], ["C"], [...print, "A"], environment).stdout), ["A"]);
      t.deepEqual(words(run(folder, [], [], [...print, "A"], environment).stdout), ["A"]);
    });

    toolTest([name], `the image's words are literal, ${mode}`, async (t) => {
      const folder = await scratch(t);
      const home = { HOME: "/evil", ...environment };
      t.deepEqual(words(run(folder, [...print, ...nasty], [], [], home).stdout), nasty);
      t.deepEqual(words(run(folder, print, nasty, [], home).stdout), nasty);
      t.deepEqual(words(run(folder, [...print, ...nasty], ["C"], ["A"], home).stdout), [
        ...nasty,
        "A",
      ]);
    });

    toolTest([name], `empty arguments and those with a dash are arguments, ${mode}`, async (t) => {
      const args = ["", "-x", "--", "a b"];
      const ran = run(await scratch(t), print, ["C"], args, environment);
      t.deepEqual(words(ran.stdout), args);
    });

    toolTest([name], `nothing to run starts a shell and says so, ${mode}`, async (t) => {
      const ran = run(await scratch(t), [], [], [], environment);
      t.is(ran.status, 0);
      t.is(ran.stdout, "");
      t.regex(ran.stderr, /neither an entrypoint nor a command/);
    });

    toolTest([name], `the command's exit status is the script's, ${mode}`, async (t) => {
      const ran = run(await scratch(t), ["sh", "-c", "exit 7"], [], [], environment);
      t.is(ran.status, 7);
    });
  }

  toolTest([name], "arguments are evaluated", async (t) => {
    const ran = run(await scratch(t), print, [], ["$HOME", "$(echo x)"], { HOME: "/h" });
    t.deepEqual(words(ran.stdout), ["/h", "x"]);
  });

  toolTest([name], "a quote in an argument breaks the evaluation, as in Apptainer", async (t) => {
    t.not(run(await scratch(t), print, [], ['a"b']).status, 0);
  });

  toolTest([name], "with SINGULARITY_NO_EVAL arguments are literal", async (t) => {
    const ran = run(await scratch(t), print, [], nasty, { SINGULARITY_NO_EVAL: "1", HOME: "/h" });
    t.deepEqual(words(ran.stdout), nasty);
  });
}
