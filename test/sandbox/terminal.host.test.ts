// A build at a terminal that lends it to its scripts: the keys, the window's size, Ctrl-C, and all of it given back.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { PseudoTerminal } from "../../src/system/pseudo-terminal.ts";
import { runProgram } from "../../src/system/run-program.ts";
import { checkout, tsbuild } from "../helpers/build.ts";
import { canMakeUsers, plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = canMakeUsers && isInstalled("busybox");

async function folderWith(t: ExecutionContext, user: PlainUser | undefined, post: string) {
  const folder = await scratch(t, user?.folder);
  mkdirSync(join(folder, "tmp"));
  const programs = ["sh", "stty", "sleep", "touch"].map(
    (name) => `    /bin/busybox /bin/${name}\n`,
  );
  writeFileSync(
    join(folder, "app.def"),
    `Bootstrap: scratch\n%files\n${programs.join("")}%post\n${post}`,
  );
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  return folder;
}

interface Answer {
  readonly to: RegExp;
  readonly does: (terminal: PseudoTerminal) => void;
}

/** A build with a terminal of its own, and somebody at it. */
async function atTerminal(cwd: string, user: PlainUser | undefined, answers: readonly Answer[]) {
  let shown = "";
  const left = [...answers];
  using terminal = PseudoTerminal.open((bytes) => {
    shown += bytes.toString();
    const [next] = left;
    if (next === undefined || !next.to.test(shown)) return;
    left.shift();
    // As people do: when they have read it.
    setTimeout(() => next.does(terminal), 200);
  });
  terminal.resize({ rows: 33, columns: 77 });
  const shell = '"$@"; echo "status $?"; stty -a';
  const program = [process.execPath, join(checkout, "bin/tsbuild.cjs"), "build", "--terminal"];
  const words = [
    ["env", `TMPDIR=${join(cwd, "tmp")}`, "sh", "-c", shell, "sh"],
    [...program, "app.sif", "app.def"],
  ].flat();
  await runProgram(terminal.commandLine(user?.command(words) ?? words), {
    cwd,
    timeoutMs: 60_000,
  });
  await terminal.drain();
  return { shown, left: left.length };
}

const type =
  (text: string): Answer["does"] =>
  (terminal) =>
    terminal.type(Buffer.from(text));

const post = `    stty size
    read LINE; echo "got:$LINE"
    read LINE; stty size
    trap 'echo interrupted' INT
    sleep 60 || true
    sh -i
    touch /made
`;

for (const kind of [undefined, "with ranges", "without ranges"] as const) {
  hostTest(
    "root, users, busybox",
    isPossible,
    `${kind === undefined ? "root" : `a user ${kind}`} debugs %post by hand`,
    async (t) => {
      const user = kind === undefined ? undefined : plainUser(kind);
      const cwd = await folderWith(t, user, post);
      const { shown, left } = await atTerminal(cwd, user, [
        { to: /33 77\r\n[^]*\+ read LINE/, does: type("hello\n") },
        {
          to: /got:hello\r\n[^]*\+ read LINE/,
          does: (terminal) => {
            terminal.resize({ rows: 11, columns: 99 });
            setTimeout(() => terminal.type(Buffer.from("\n")), 300);
          },
        },
        { to: /11 99\r\n[^]*\+ sleep 60/, does: type("\u0003") },
        { to: /interrupted\r\n[^]*Apptainer> /, does: type("echo in $((6*7))\n") },
        { to: /in 42\r\n[^]*Apptainer> /, does: type("exit 0\n") },
      ]);
      t.is(left, 0, shown);
      t.regex(shown, /Build complete: app\.sif\r\nstatus 0\r\n/);
      // What a shell needs of its terminal is as before.
      t.regex(shown, / icanon [^]* echo /);
      t.notRegex(shown, /job control/);
    },
  );
}

hostTest("root, busybox", isPossible, "a command that fails at a terminal is found", async (t) => {
  const cwd = await folderWith(t, undefined, "    echo one\n    touch /nowhere/two\n");
  const { shown } = await atTerminal(cwd, undefined, []);
  t.regex(shown, /status 5\r\n/);
  t.regex(shown, /app\.def:\d+:5/);
  t.regex(shown, /failed with status 1 at: touch \/nowhere\/two/);
});

hostTest("root, busybox", isPossible, "without a terminal there is none to lend", async (t) => {
  const cwd = await folderWith(t, undefined, "    true\n");
  const run = await tsbuild(["build", "--terminal", "app.sif", "app.def"], { cwd });
  t.is(run.exitCode, 2);
  t.regex(run.stderr, /code: usage\/no-terminal/);
});
