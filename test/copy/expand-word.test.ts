import { spawnSync } from "node:child_process";
import test from "ava";
import { ExpandError } from "../../src/copy/expand-error.ts";
import { expandWord, patternText } from "../../src/copy/expand-word.ts";
import { toolTest } from "../helpers/tool.ts";

const variables: Readonly<Record<string, string>> = {
  HOME: "/home/me",
  X: "value",
  EMPTY: "",
  STAR: "*",
  LIST: "a b",
};
const expand = (word: string): string[] =>
  expandWord(word, (name) => variables[name]).map(patternText);

toolTest(["bash"], "words are expanded as bash does", (t) => {
  for (const word of [
    "plain",
    "a{b,c}d",
    "{a,b}{1,2}",
    "{a,{b,c}x}y",
    "{a}",
    "{}",
    "{a,b",
    "a,b}",
    "{1..4}",
    "{4..1}",
    "{08..11}",
    "{-2..1}",
    "{a..e}",
    "{1..x}",
    "{,x}",
    String.raw`\{a,b}`,
    String.raw`{a\,b,c}`,
    "~",
    "~/x",
    "a~",
    String.raw`\~/x`,
    "$X",
    "${X}y",
    "${EMPTY}z",
    "$NOPE/z",
    "${NOPE:-d}",
    "${EMPTY:-d}",
    "${EMPTY-d}z",
    "{$X,b}",
    "${X}{a,b}",
    "$",
    "a$",
    String.raw`\$X`,
    String.raw`\\x`,
    `'$X'y`,
    `"a b"c`,
  ]) {
    const { stdout } = spawnSync("bash", ["-fc", `printf '%s\\n' ${word}`], {
      env: variables,
      encoding: "utf8",
    });
    t.deepEqual(expand(word), stdout.slice(0, -1).split("\n"), word);
  }
});

test("what a variable holds is one word and no pattern", (t) => {
  t.deepEqual(expand("$LIST"), ["a b"]);
  const [pattern] = expandWord("$STAR", (name) => variables[name]);
  t.true(pattern?.every(({ isQuoted }) => isQuoted));
});

test("blanks and characters of the shell mean themselves", (t) => {
  t.deepEqual(expand("my file (1) & co;.txt"), ["my file (1) & co;.txt"]);
});

test("what expands to nothing is no word", (t) => {
  t.deepEqual(expand("$EMPTY"), []);
  t.deepEqual(expand("{,$NOPE}"), []);
});

test("no command is run", (t) => {
  for (const word of ["`id`", "$(id)", "a{`id`,b}", "$((1+1))"]) {
    const error = t.throws(() => expand(word), { instanceOf: ExpandError }, word);
    t.regex(error?.message ?? "", /never/);
  }
});

test("what can't be expanded is an error", (t) => {
  for (const word of [
    "'a",
    '"a',
    "${X",
    "${X:=y}",
    "${!X}",
    "${#X}",
    "{1..99999}",
    "{1..999}{1..999}",
  ]) {
    t.throws(() => expand(word), { instanceOf: ExpandError }, word);
  }
});
