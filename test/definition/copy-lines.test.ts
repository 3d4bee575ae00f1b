import test from "ava";
import type { TextEncoding } from "../../src/model/definition.ts";
import { splitAppCopyLines, splitCopyLines } from "../../src/definition/copy-lines.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { scriptInterpreter } from "../../src/definition/script-interpreter.ts";
import { stageOf } from "../../src/definition/stage-of.ts";
import { copyByteWords, copyWords } from "./copy-words.ts";

const sectionOf = (heading: string, body: string, encoding: TextEncoding = "utf8") => {
  const text = `Bootstrap: scratch\n${heading}\n${body}\n`;
  const { definition } = readDefinition(Buffer.from(text, encoding), { file: "x.def" });
  const section = definition?.stages[0]?.sections[0];
  if (section === undefined) throw new Error("the definition has a mistake");
  return section;
};

const pairs = (body: string, encoding?: TextEncoding) =>
  splitCopyLines(sectionOf("%files", body, encoding)).lines.map(({ source, destination }) => [
    source,
    destination,
  ]);

for (const [line, source, destination] of copyWords) {
  test(`%files: ${JSON.stringify(line)}`, (t) => {
    t.deepEqual(pairs(line), [[source, destination]]);
  });
}

for (const [line, source, destination] of copyByteWords) {
  test(`%files in bytes: ${JSON.stringify(line)}`, (t) => {
    t.deepEqual(pairs(line, "latin1"), [[source, destination]]);
  });
}

test("white space in a file that is no UTF-8 is what Apptainer takes for it", (t) => {
  const app = sectionOf("%appfiles a", "\xffa\xa0 b\xe3\x80\x80 # c", "latin1");
  t.like(splitAppCopyLines(app).lines, [{ source: "\xffa\xa0", destination: "b" }]);
  t.deepEqual(stageOf({ argument: "from \xff\xa0\xc2\xa0", encoding: "latin1" }), {
    kind: "stage",
    name: "\xff\xa0",
  });
  t.deepEqual(scriptInterpreter({ argument: "-c \x85sh\xe2\x80\x89-u", encoding: "latin1" }), {
    kind: "command",
    text: "\x85sh -u",
  });
});

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

const originOf = (argument: string) => stageOf({ argument, encoding: "utf8" });
const interpreterOf = (argument: string) => scriptInterpreter({ argument, encoding: "utf8" });

test("the heading of %files says where from", (t) => {
  t.deepEqual(originOf(""), { kind: "host" });
  t.deepEqual(originOf("# c"), { kind: "host" });
  t.deepEqual(originOf("from a"), { kind: "stage", name: "a" });
  t.deepEqual(originOf("to a # b c"), { kind: "stage", name: "a" });
  t.deepEqual(originOf(" from\ta "), { kind: "stage", name: "a" });
  t.deepEqual(originOf(" "), { kind: "ignored" });
  t.deepEqual(originOf(" # c"), { kind: "ignored" });
  t.deepEqual(originOf("a"), { kind: "ignored" });
  t.deepEqual(originOf("from a b"), { kind: "ignored" });
});

test("the heading of a script says how it is run", (t) => {
  t.deepEqual(interpreterOf(""), { kind: "options", words: [] });
  t.deepEqual(interpreterOf(" -u +x # -c"), { kind: "options", words: ["-u", "+x"] });
  t.deepEqual(interpreterOf("-c /bin/bash"), { kind: "command", text: "/bin/bash" });
  t.deepEqual(interpreterOf("-c  /bin/bash -eu # x"), {
    kind: "command",
    text: "/bin/bash -eu",
  });
  t.deepEqual(interpreterOf('-u -c "a  b" -c'), { kind: "command", text: '"a b" -c' });
  t.is(interpreterOf("-c"), undefined);
  t.is(interpreterOf("-c # /bin/bash"), undefined);
});
