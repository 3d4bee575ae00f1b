import test from "ava";
import { checkDefinition } from "../../src/definition/check-definition.ts";
import { fixDefinition } from "../../src/definition/fix-definition.ts";
import { formatDefinition } from "../../src/definition/format-definition.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { literals, markedLines } from "./literal-text.ts";

const bodies = (text: string) => {
  const { definition, diagnostics } = readDefinition(text, { file: "x.def" });
  if (definition === undefined) throw new Error(JSON.stringify(diagnostics));
  return definition.stages.flatMap(({ sections }) =>
    sections.map(({ name, body }) => [name, body] as const),
  );
};

for (const [line, text] of Object.entries(markedLines)) {
  test(`the line ${JSON.stringify(line)} of a section is ${JSON.stringify(text)}`, (t) => {
    const source = `Bootstrap: scratch\n%help\n${line}\nb\n%environment\nexport A=1\n${line}`;
    t.deepEqual(bodies(source), [
      ["help", `${text}\nb\n`],
      ["environment", `export A=1\n${text}\n`],
    ]);
    t.deepEqual(bodies(formatDefinition(source)), bodies(source));
    t.true(formatDefinition(source).includes(`\n${line.trimEnd()}`));
  });
}

test("a marked line is text in lists too, and keeps its place", (t) => {
  const { definition, diagnostics } = readDefinition(
    "Bootstrap: scratch\n%files\n  %\\%a /%a\n%labels\n%\\%x y\n%post\n\n  %\\apt-get install x\n",
    { file: "x.def" },
  );
  t.deepEqual(
    definition?.stages[0]?.sections.map(({ body }) => body),
    ["  %a /%a\n", "%x y\n", "\n  apt-get install x\n"],
  );
  const advice = checkDefinition({ definition, diagnostics });
  t.deepEqual(
    advice.map(({ code, location }) => [code, location.line, location.column, location.length]),
    [["check/install-without-yes", 8, 5, "apt-get install x".length]],
  );
});

test("what is found on a marked line is mended where it is", (t) => {
  const before =
    "Bootstrap: scratch\n%files\n \t%\\ a\n%post\n%\\apt install x\r\n %\\ yum update\n";
  const { bytes, remaining } = fixDefinition(Buffer.from(before), { file: "x.def" });
  t.is(
    Buffer.from(bytes).toString(),
    before
      .replace("%\\ a\n", "%\\ a /a\n")
      .replace("apt install", "apt -y install")
      .replace("yum update", "yum -y update"),
  );
  t.deepEqual(
    remaining.map(({ code, location }) => [code, location.line, location.column]),
    [["check/package-lists-left", 6, 5]],
  );
});

test("the file is stored with its marks, so that it can be read again", (t) => {
  const source = "Bootstrap: scratch\n%help\n%\\%post\n";
  t.is(readDefinition(source, { file: "x.def" }).definition?.stored, source);
});

test("no section begins with a mark, and it is no way out of a header", (t) => {
  for (const text of ["%\\%post\n", "Bootstrap: scratch\n%\\x: y\n", "Bootstrap: a\\\n%\\%b\n"]) {
    const { diagnostics } = readDefinition(text, { file: "x.def" });
    t.like(diagnostics[0], { code: "definition/unknown-section" }, text);
    t.regex(diagnostics[0]?.hint ?? "", /no section has begun/);
  }
});

test("a mark may come from a value, and a value may follow it", (t) => {
  const source = "Bootstrap: scratch\n%arguments\nM=%\\\nV=%post\n%help\n{{ M }}%a\n%\\{{ V }}\n";
  t.deepEqual(bodies(source), [
    ["arguments", "M=%\\\nV=%post\n"],
    ["help", "%a\n%post\n"],
  ]);
});

for (const [source, text] of Object.entries(literals)) {
  test(`braces: ${JSON.stringify(source)} says ${JSON.stringify(text)}`, (t) => {
    const body = bodies(`Bootstrap: scratch\n%arguments\nO={{\n%help\n${source}\n`).at(-1)?.[1];
    t.is(body, `${text}\n`);
  });
}

const hints = (text: string) =>
  readDefinition(text, { file: "x.def" }).diagnostics.map(({ hint }) => hint ?? "");

test("whoever writes a percent sign or braces as text is told the way out", (t) => {
  const heredoc = "Bootstrap: a\n%post\ncat >x <<EOF\n%description\nEOF\n";
  t.regex(hints(heredoc).join("\n"), /write %\\ in front of it/);
  t.regex(hints(heredoc.replace("%description", "%files")).join("\n"), /write %\\ in front of it/);
  t.regex(hints(heredoc.replace("%description", "bootstrap: b")).join("\n"), /write %\\ in front/);
  t.regex(hints("Bootstrap: a\n%help\n{{ name }}\n").join("\n"), /O=\{\{ below %arguments/);
});
