import test from "ava";
import { splitAppCopyLines, splitCopyLines } from "../../src/definition/copy-lines.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { scriptInterpreter } from "../../src/definition/script-interpreter.ts";
import { stageOf } from "../../src/definition/stage-of.ts";
import { copyWords } from "./copy-words.ts";

const sectionOf = (heading: string, body: string) => {
  const { definition } = readDefinition(`Bootstrap: scratch\n${heading}\n${body}\n`, {
    file: "x.def",
  });
  const section = definition?.stages[0]?.sections[0];
  if (section === undefined) throw new Error("the definition has a mistake");
  return section;
};

const pairs = (body: string) =>
  splitCopyLines(sectionOf("%files", body)).lines.map(({ source, destination }) => [
    source,
    destination,
  ]);

for (const [line, source, destination] of copyWords) {
  test(`%files: ${JSON.stringify(line)}`, (t) => {
    t.deepEqual(pairs(line), [[source, destination]]);
  });
}

test("blank lines and comments ask for no copy", (t) => {
  t.deepEqual(pairs("\n  # a b\n \t\na b\n"), [["a", "b"]]);
});

test("a copy has its line and column", (t) => {
  const { lines } = splitCopyLines(sectionOf("%files", "\n  # c\n  ä b\n"));
  t.deepEqual(lines[0]?.location, { file: "x.def", line: 5, column: 3, length: 3 });
});

test("a source without a name is not copied, and that is told", (t) => {
  const { lines, diagnostics } = splitCopyLines(sectionOf("%files", '"" /z'));
  t.deepEqual(lines, []);
  t.like(diagnostics, [{ severity: "warning", code: "definition/files-words" }]);
});

test("plain lines give no warning", (t) => {
  const body = 'a b\n"a b" "c d"\n*.{c,h} /x # y\nit"s" /x\n$HOME/~x /y\n';
  const { diagnostics } = splitCopyLines(sectionOf("%files", body.replace('it"s" /x\n', "")));
  t.deepEqual(diagnostics, []);
});

test("%appfiles is cut at # and at the first blank", (t) => {
  const { lines } = splitAppCopyLines(
    sectionOf("%appfiles foo", "a\na b c\n a#b\n# c\n'x  y' z # w\n"),
  );
  t.deepEqual(
    lines.map(({ source, destination }) => [source, destination]),
    [
      ["a", "a"],
      ["a", "b c"],
      ["a", "a"],
      ["'x", "y' z"],
    ],
  );
});

test("the heading of %files says where from", (t) => {
  t.deepEqual(stageOf(""), { kind: "host" });
  t.deepEqual(stageOf("# c"), { kind: "host" });
  t.deepEqual(stageOf("from a"), { kind: "stage", name: "a" });
  t.deepEqual(stageOf("to a # b c"), { kind: "stage", name: "a" });
  t.deepEqual(stageOf(" from\ta "), { kind: "stage", name: "a" });
  t.deepEqual(stageOf(" "), { kind: "ignored" });
  t.deepEqual(stageOf(" # c"), { kind: "ignored" });
  t.deepEqual(stageOf("a"), { kind: "ignored" });
  t.deepEqual(stageOf("from a b"), { kind: "ignored" });
});

test("the heading of a script says how it is run", (t) => {
  t.deepEqual(scriptInterpreter(""), { kind: "options", words: [] });
  t.deepEqual(scriptInterpreter(" -u +x # -c"), { kind: "options", words: ["-u", "+x"] });
  t.deepEqual(scriptInterpreter("-c /bin/bash"), { kind: "command", text: "/bin/bash" });
  t.deepEqual(scriptInterpreter("-c  /bin/bash -eu # x"), {
    kind: "command",
    text: "/bin/bash -eu",
  });
  t.deepEqual(scriptInterpreter('-u -c "a  b" -c'), { kind: "command", text: '"a b" -c' });
  t.is(scriptInterpreter("-c"), undefined);
  t.is(scriptInterpreter("-c # /bin/bash"), undefined);
});
