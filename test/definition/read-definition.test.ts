import test from "ava";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { readDefinition, type ReadOptions } from "../../src/definition/read-definition.ts";

const read = (source: string | Uint8Array, options: Partial<ReadOptions> = {}) =>
  readDefinition(source, { file: "x.def", ...options });

/** The definition of a text without mistakes. */
const definitionOf = (source: string | Uint8Array, options: Partial<ReadOptions> = {}) => {
  const { definition, diagnostics } = read(source, options);
  if (definition === undefined) throw new Error(JSON.stringify(diagnostics));
  return definition;
};

const argumentsOf = (...flags: string[]) =>
  parseBuildArguments({ flags, files: [] }).buildArguments;

test("a stage has its header and its sections in order of first appearance", (t) => {
  const { stages } = definitionOf(
    "Bootstrap: docker\nFrom: debian:12\nStage: one\n%post\n  a\n%help\nh\n%post -u\n  b\n",
  );
  t.is(stages.length, 1);
  t.is(stages[0]?.name, "one");
  t.deepEqual(
    stages[0]?.header.map(({ key, value }) => [key, value]),
    [
      ["bootstrap", "docker"],
      ["from", "debian:12"],
      ["stage", "one"],
    ],
  );
  t.deepEqual(
    stages[0]?.sections.map(({ name, argument, body, lines }) => [name, argument, body, lines]),
    [
      ["post", "-u", "  a\n  b\n", [5, 9]],
      ["help", "", "h\n", [7]],
    ],
  );
});

test("everything has its place", (t) => {
  const [stage] = definitionOf("\n# c\nBootstrap: docker\n  From :  é x # y\n\n%post # z\n").stages;
  t.deepEqual(stage?.location, { file: "x.def", line: 3, column: 1, length: 17 });
  const from = stage?.header[1];
  t.deepEqual(from?.location, { file: "x.def", line: 4, column: 3, length: 11 });
  t.deepEqual(from?.valueLocation, { file: "x.def", line: 4, column: 11, length: 3 });
});

test("columns count characters, not UTF-16 units", (t) => {
  const { diagnostics } = read("Bootstrap: docker\n%help\n😀 {{ x }}\n");
  t.deepEqual(diagnostics[0]?.location, { file: "x.def", line: 3, column: 3, length: 7 });
});

test("each distinct %files heading is a section of its own, in order of first appearance", (t) => {
  const [, stage] = definitionOf(
    "Bootstrap: a\nStage: s\nBootstrap: a\n%files\na\n%files from s\nb\n%files\nc\n%files from s\nd\n",
  ).stages;
  t.deepEqual(
    stage?.sections.map(({ argument, body, lines }) => [argument, body, lines]),
    [
      ["", "a\nc\n", [5, 9]],
      ["from s", "b\nd\n", [7, 11]],
    ],
  );
});

test("an app section belongs to the app behind it, with lines or without", (t) => {
  const [stage] = definitionOf(
    "Bootstrap: a\n%apprun foo x\n1\n%apprun bar\n%apprun foo\n2\n%appenv foo\n%help\n",
  ).stages;
  t.deepEqual(
    stage?.sections.map(({ name, app, body }) => [name, app, body]),
    [
      ["apprun", "foo", "1\n2\n"],
      ["apprun", "bar", ""],
      ["appenv", "foo", ""],
    ],
  );
});

test("lines keep their place through build arguments of several lines", (t) => {
  const definition = definitionOf(
    "Bootstrap: docker\n%arguments\nb=y\n%post\n1 {{ a }} {{\nb }} 2\n3\n{{ c }}\n4\n",
    { buildArguments: argumentsOf('"a=x\nx\nx"', "c=") },
  );
  const post = definition.stages[0]?.sections.find(({ name }) => name === "post");
  t.is(post?.body, "1 x\nx\nx y 2\n3\n\n4\n");
  t.deepEqual(post?.lines, [5, 5, 5, 7, 8, 9]);
});

test("a mistake that a value brings in is shown where its placeholder stands", (t) => {
  const { definition, diagnostics } = read("Bootstrap: docker\n%post\nab {{ v }}\n", {
    buildArguments: argumentsOf('"v=1\n%nope\n"'),
  });
  t.is(definition, undefined);
  t.like(diagnostics, [{ code: "definition/unknown-section" }]);
  t.deepEqual(diagnostics[0]?.location, { file: "x.def", line: 3, column: 4, length: 7 });
});

test("a bootstrap line from a value starts no stage", (t) => {
  const { stages, stored } = definitionOf("Bootstrap: docker\n%help\n{{ v }}\n", {
    buildArguments: argumentsOf('"v=1\nbootstrap: x"'),
  });
  t.is(stages.length, 1);
  t.is(stages[0]?.sections[0]?.body, "1\nbootstrap: x\n");
  t.is(stored, "Bootstrap: docker\n%help\n1\nbootstrap: x\n");
});

test("what stands above the first stage and says nothing is not stored", (t) => {
  const { source, stored } = definitionOf("#!/bin/apptainer\n\nBootstrap: docker\n");
  t.is(stored, "Bootstrap: docker\n");
  t.is(source, "#!/bin/apptainer\n\nBootstrap: docker\n");
});

test("a CR before a line feed is dropped from what is parsed and kept in what is stored", (t) => {
  const text = "Bootstrap: docker\r\nFrom: a\\\r\nb\r\n%post x\r\none\r\r\ntwo\r";
  const { stages, stored } = definitionOf(text);
  t.is(stored, text);
  t.is(stages[0]?.header[1]?.value, "ab");
  t.is(stages[0]?.sections[0]?.argument, "x");
  t.is(stages[0]?.sections[0]?.body, "one\r\ntwo\n");
});

test("a file that is no UTF-8 is latin1, byte for byte", (t) => {
  const bytes = Buffer.from(
    "Bootstrap: docker\nFrom: \xa0x\xa0\xc2\xa0\n%arguments\nv=\xe9\xc3\xa9\n%help\n{{ v }}{{ w }}\xff\n",
    "latin1",
  );
  const { encoding, source, stored, stages } = definitionOf(bytes, {
    buildArguments: argumentsOf("w=ü"),
  });
  t.is(encoding, "latin1");
  t.deepEqual(Buffer.from(source, "latin1"), bytes);
  // A lone byte A0 is no white space, but C2 A0 is a no-break space, which is.
  t.is(stages[0]?.header[1]?.value, "\xa0x\xa0");
  t.is(stages[0]?.sections[1]?.body, "\xe9\xc3\xa9\xc3\xbc\xff\n");
  t.true(stored.endsWith("%help\n\xe9\xc3\xa9\xc3\xbc\xff\n"));
});

test("all stages' mistakes are told, in the order of the file", (t) => {
  const { definition, diagnostics } = read(
    "Bootstrap: a\nForm: x\n%post\n%nope\nBootstrap: b\nno colon\n%help\n{{ x }}\nBootstrap: c\n{{ y }}: z\n",
  );
  t.is(definition, undefined);
  t.deepEqual(
    diagnostics.map(({ code, location }) => [location.line, code]),
    [
      [2, "definition/unknown-keyword"],
      [4, "definition/unknown-section"],
      [6, "definition/header-no-colon"],
      [10, "definition/unknown-keyword"],
    ],
  );
});

test("an undefined argument is told once for each name", (t) => {
  const { diagnostics } = read("Bootstrap: a\n%help\n{{ x }} {{ y }}\n{{ x }}\n");
  t.deepEqual(
    diagnostics.map(({ message }) => message),
    ["the build argument x has no value", "the build argument y has no value"],
  );
});

test("of very many undefined arguments some are told, and how many more there are", (t) => {
  const names = Array.from({ length: 60 }, (_, index) => `{{ a${index} }}`);
  const { diagnostics } = read(`Bootstrap: a\n%help\n${names.join("\n")}\n`);
  t.is(diagnostics.length, 51);
  t.is(diagnostics.at(-1)?.message, "10 more build arguments have no value");
});

test("unused build arguments are sorted, and may be warnings", (t) => {
  const options = { buildArguments: argumentsOf("b=1", "a=1", "c=1") };
  const text = "Bootstrap: a\n# {{ a }}\n%help\n{{ c }}\n";
  const { definition, diagnostics } = read(text, options);
  t.is(definition, undefined);
  t.deepEqual(
    diagnostics.map(({ severity, location }) => [severity, location.file]),
    [
      ["error", "--build-arg a=1"],
      ["error", "--build-arg b=1"],
    ],
  );
  t.regex(diagnostics[0]?.hint ?? "", /behind a #/);
  const lenient = read(text, { ...options, warnUnused: true });
  t.not(lenient.definition, undefined);
  t.deepEqual(
    lenient.diagnostics.map(({ severity }) => severity),
    ["warning", "warning"],
  );
});

test("a value inside a value is no use of it", (t) => {
  const { diagnostics } = read("Bootstrap: a\n%help\n{{ b }}\n", {
    buildArguments: argumentsOf("a=1", "b={{ a }}"),
  });
  t.like(diagnostics, [{ code: "definition/unused-argument" }]);
});

test("without a list of agents every agent passes", (t) => {
  t.not(read("Bootstrap: whatever\n").definition, undefined);
  t.is(read("Bootstrap: whatever\n", { agents: ["docker"] }).definition, undefined);
});

test("a stage named by an empty %files must exist", (t) => {
  t.like(read("Bootstrap: a\n%files from b\n").diagnostics, [{ code: "definition/unknown-stage" }]);
});

/** The help text with default values and flags filled in. */
const helpOf = (defaults: string, flags: string[], help: string) =>
  definitionOf(`Bootstrap: a\n%arguments\n${defaults}\n%help\n${help}\n`, {
    buildArguments: argumentsOf(...flags),
  }).stages[0]?.sections.find(({ name }) => name === "help")?.body;

test("values inside values are filled in one after the other, as Apptainer does", (t) => {
  t.is(helpOf("a=1\nb=x{{ a }}x\nc={{ b }}", ["w={{ c }}"], "{{ w }}"), "{{ b }}\n");
  t.is(
    helpOf("v=q{{ w }}", ["w={{ w }}-{{ v }}"], "{{ w }} {{ v }}"),
    "{{ w }}-q{{ w }}-q{{ w }} q{{ w }}-{{ v }}\n",
  );
  t.is(helpOf("v={{ w }}", ["w={{ v }}-{{ w }}"], "{{w}}"), "{{ v }}-{{ w }}-{{ v }}-{{ w }}\n");
  t.is(helpOf("a={{ a }}x", [], "{{ a }}"), "{{ a }}xx\n");
  t.is(helpOf("a=x# {{ b }}", ["b=2"], "{{ a }} {{ b }}"), "x# 2 2\n");
});
