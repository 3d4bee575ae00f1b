import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { shellCommands } from "../../src/sandbox/script-commands.ts";
import { TraceFollower } from "../../src/sandbox/trace-follower.ts";
import { toolTest } from "../helpers/tool.ts";

/** Scripts of which the line marked `#!` is the one that fails. */
const scripts: Readonly<Record<string, string>> = {
  "the first line": "false #!\ntrue\n",
  "the second of two equal lines": "mkdir folder\ntrue\nmkdir folder #!\n",
  "the second of two lines that look alike": "d=/\nls -d $d\nd=/nowhere\nls -d $d #!\n",
  "a command with its arguments on several lines":
    "echo a\nls \\\n  /nowhere \\\n  -l #!first\necho b\n",
  "inside if and a loop": "for i in 1 2 3; do\n  if true; then\n    test $i != 2 #!\n  fi\ndone\n",
  "inside a function": 'check() {\n  echo check $1\n  test "$1" = ok #!\n}\ncheck ok\ncheck bad\n',
  "inside a subshell": "echo a\n(\n  cd /\n  ls /nowhere #!\n)\n",
  "an assignment from a command": "A=1\nB=$(ls /nowhere) #!\necho $A\n",
  "expansions, quotes and patterns": 'd=/nowhere\necho \'a  b\' "c $d" /et[c]\nls "$d/x y" #!\n',
  "after here documents":
    "cat > /dev/null <<EOF\nfalse\nls /nowhere\nEOF\ncat <<-'END'\n\tfalse\n\tEND\nls /nowhere #!\n",
  "with an environment of its own": "A='b c' D=1 ls /nowhere > /dev/null 2>&1 #!\n",
  "after && that fails": "true && false || true\ntrue && ls /nowhere #!\n",
  "a command that is not there": "true\n\n  no-such-command --with 'an argument' #!\n",
  "an unset variable": "set -u\necho a\necho $NOT_SET #!\n",
  exit: "echo a\nif true; then\n  exit 3 #!\nfi\n",
  "after a comment with a quote": "# it's\n# `nothing`\nls /nowhere #!\n",
  "after an argument with a line feed": "x='a\nb'\necho \"$x\" end > /dev/null\nfalse #!\n",
  "commands in a case": "case $- in\n  *e*)\n    ls /nowhere #!\n    ;;\nesac\n",
};

/** The line, from 1, that is marked; a mark `#!first` stands on the last line of a command that starts two before. */
function marked(script: string): number {
  const line = script.split("\n").findIndex((text) => text.includes("#!")) + 1;
  return script.includes("#!first") ? line - 2 : line;
}

for (const shell of [["dash"], ["bash"], ["busybox", "sh"]]) {
  for (const [title, script] of Object.entries(scripts)) {
    toolTest(shell.slice(0, 1), `${shell.join(" ")}: finds ${title}`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
      t.teardown(() => rmSync(folder, { recursive: true }));
      const file = join(folder, "script");
      const text = script.replaceAll(/ #!(?:first)?/g, "");
      writeFileSync(file, text);
      const [program = "", ...args] = shell;
      const { stderr, status } = spawnSync(program, [...args, "-ex", file], {
        encoding: "utf8",
        cwd: folder,
      });
      t.not(status, 0);
      const follower = new TraceFollower(text, file);
      for (const line of stderr.split("\n")) follower.take(line);
      t.is(follower.line, marked(script), stderr);
    });
  }

  toolTest(
    shell.slice(0, 1),
    `${shell.join(" ")}: finds a syntax error that nothing was run before`,
    (t) => {
      const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
      t.teardown(() => rmSync(folder, { recursive: true }));
      const file = join(folder, "script");
      const text = "if true; then\n  echo a\n  )\nfi\n";
      writeFileSync(file, text);
      const [program = "", ...args] = shell;
      const { stderr } = spawnSync(program, [...args, "-ex", file], {
        encoding: "utf8",
        cwd: folder,
      });
      const follower = new TraceFollower(text, file);
      for (const line of stderr.split("\n")) follower.take(line);
      t.is(follower.line, 3, stderr);
    },
  );
}

test("what can't be found has no line", (t) => {
  const follower = new TraceFollower("make all\n", "/.post.script");
  follower.take("+ cc -o x x.c");
  t.is(follower.line, undefined);
  t.is(follower.command, "cc -o x x.c");
});

// Both sides of a pipeline write their traces at the same time.
for (const lines of [
  ["+ echo b", "+ grep -q c"],
  ["+ grep -q c", "+ echo b"],
  ["+ + echo b", "grep -q c"],
]) {
  test(`finds a pipeline by ${lines.join("|")}`, (t) => {
    const follower = new TraceFollower("echo a\necho b | grep -q c\n", "/.post.script");
    for (const line of ["+ echo a", ...lines]) follower.take(line);
    t.is(follower.line, 2);
  });
}

test("output that is no trace changes nothing", (t) => {
  const follower = new TraceFollower("true\nmake all\n", "/.post.script");
  for (const line of ["+ make all", "+x", "++", "error: 3", "/other.script: 1: no"])
    follower.take(line);
  t.is(follower.line, 2);
});

test("a long trace costs little", (t) => {
  const script = Array.from({ length: 1000 }, (_, index) => `echo "$a" ${index} "$b" end`).join(
    "\n",
  );
  const follower = new TraceFollower(script, "x");
  const started = performance.now();
  for (let index = 0; index < 1000; index++) follower.take(`+ echo ${"x ".repeat(5000)}`);
  t.true(performance.now() - started < 5000);
});

test("damaged scripts are read to their end", (t) => {
  for (const text of [
    "'",
    '"',
    "$(",
    "`",
    "${a",
    "<<",
    "<<E",
    "a\\",
    "((",
    "case",
    "$",
    "a <",
    "{",
    ";;",
    "\\",
  ]) {
    t.notThrows(() => shellCommands(text));
    t.notThrows(() => shellCommands(`echo a\n${text}\necho b`));
  }
});
