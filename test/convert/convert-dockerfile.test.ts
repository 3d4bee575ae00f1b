import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { convertDockerfile } from "../../src/convert/convert-dockerfile.ts";
import { formatDefinition } from "../../src/definition/format-definition.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { DefinitionError } from "../../src/model/error.ts";
import { conversionCases } from "../helpers/conversion-cases.ts";

const cases = join(import.meta.dirname, "cases");
const convert = (text: string) => convertDockerfile(text, { file: "Dockerfile" });

/** The diagnostics of a Dockerfile that can't be read, as place and code. */
function mistakes(text: string): string[] {
  try {
    convert(text);
    return [];
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return error.diagnostics.map(
      ({ code, location }) => `${location.line}:${location.column} ${code}`,
    );
  }
}

const section = (text: string, name: string) =>
  readDefinition(text, { file: "d" })
    .definition?.stages.at(-1)
    ?.sections.find((found) => found.name === name)?.body ?? "";

conversionCases(cases, "Dockerfile", "expected.def", convertDockerfile, (t, text) => {
  t.is(formatDefinition(text), text);
});

test("all mistakes are told, each with its place", (t) => {
  t.deepEqual(
    mistakes(
      'FROM a b c\nRUNN x\nCOPY one\n  ENV A\nRUN echo \\\n  <<EOF\nLABEL a="b\nENV 1=2\nARG A=${B\n',
    ),
    ["1:6 convert/syntax", "2:1 convert/unknown-instruction", "3:6 convert/syntax"].concat([
      "4:7 convert/syntax",
      "6:3 convert/open-heredoc",
      "7:7 convert/syntax",
      "8:5 convert/syntax",
      "9:7 convert/syntax",
    ]),
  );
  t.deepEqual(mistakes(""), ["1:1 convert/no-base"]);
  t.deepEqual(mistakes("RUN x\nFROM y\n"), ["1:1 convert/no-base"]);
  t.deepEqual(mistakes("ARG A\nFROM $A\n"), ["2:1 convert/no-base"]);
  t.deepEqual(mistakes("FROM a\nCOPY --from=3 x /y\n"), ["2:6 convert/no-base"]);
  t.deepEqual(mistakes("# escape=x\nFROM a\n"), ["1:1 convert/syntax"]);
});

test("a stage that nothing needs is left out, and one that starts from another has its instructions", (t) => {
  const { text } = convert(
    "FROM a:1 AS one\nENV X=1\nRUN one\nFROM b:1 AS other\nRUN other\nFROM one\nRUN three\n",
  );
  t.false(text.includes("other"));
  const definition = readDefinition(text, { file: "d" }).definition;
  t.is(definition?.stages.length, 1);
  t.regex(section(text, "post"), /export X=1\n[^]*one[^]*three/);
  t.true(text.startsWith("Bootstrap: docker\nFrom: a:1\n"));
});

test("stages that start from each other don't make a definition without end", (t) => {
  let text = "FROM a AS s0\nRUN x\n";
  for (let index = 1; index < 400; index++) {
    text += `FROM s${index - 1} AS s${index}\nCOPY --from=s${index - 1} x /y\n`;
  }
  t.deepEqual(
    mistakes(text).map((found) => found.split(" ")[1]),
    ["convert/unwritable"],
  );
});

test("an entrypoint forgets the command of the stage that it starts from, not its own", (t) => {
  const inherited = convert('FROM a AS one\nCMD ["x"]\nFROM one\nENTRYPOINT ["e"]\n').text;
  t.is(section(inherited, "runscript").trim(), 'exec e "$@"');
  const own = convert('FROM a\nCMD ["x"]\nENTRYPOINT ["e"]\n').text;
  t.regex(section(own, "runscript"), /set -- x\n[^]*exec e "\$@"\n$/);
});

test("what the definition would see in a script is hidden from it", (t) => {
  for (const word of ["{{ a }}", "x\n%post\n", "x\nBootstrap: y", "a\r\nb", "%x"]) {
    const { text } = convert(`FROM a\nENTRYPOINT ${JSON.stringify([word])}\n`);
    const read = readDefinition(text, { file: "d" });
    t.truthy(read.definition, word);
    t.is(read.definition?.stages.length, 1);
    t.is(read.definition?.stages[0]?.sections.length, 1);
  }
});

test("time is linear in the length of the text", (t) => {
  const many = 20_000;
  const texts = [
    `FROM a\nRUN ${"x \\\n".repeat(many)}y\n`,
    `FROM a\nRUN ${"<<A ".repeat(300)}\n${"A\n".repeat(300)}`,
    `FROM a\nENV A=${"$B".repeat(many)}\n`,
    `FROM a\nLABEL ${'"a"="b" '.repeat(many)}\n`,
    `FROM a\nRUN ${"&".repeat(many)}|\n`,
    `FROM a\nRUN ${"--a='".repeat(many)}\n`,
    `FROM a\nENV A="${"{{".repeat(many)}"\n`,
  ];
  const start = performance.now();
  for (const text of texts) {
    try {
      convert(text);
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
    }
  }
  t.true(performance.now() - start < 10_000);
});

const token = fc.constantFrom(
  ...'FROM a|FROM scratch|FROM s AS t|RUN |COPY |ADD |--from=0 |--chown=a:b |ENV |ARG |LABEL |WORKDIR |ENTRYPOINT |CMD |SHELL |["a"]|\n|\n|\\\n|<<E|\nE\n|$A|${A:-|}|{{ a }}|%post|bootstrap: x|\'|"|\\|#| |=|/|x|a.tar|.|\r\n|A|\u0085|\u2028|ſ'.split(
    "|",
  ),
);

test("whatever the text, there are only our errors, and what comes out is a definition in canonical form", (t) => {
  let made = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(token, { maxLength: 40 }).map((all) => all.join("")),
      ),
      fc.boolean(),
      (body, isWhole) => {
        let text: string;
        try {
          text = convert(isWhole ? `FROM debian:12 AS s\n${body}` : body).text;
        } catch (error) {
          if (error instanceof DefinitionError && error.code.startsWith("convert/")) return;
          throw error;
        }
        made++;
        const read = readDefinition(text, { file: "d" });
        t.deepEqual(
          read.diagnostics.filter(({ severity }) => severity === "error"),
          [],
        );
        if (formatDefinition(text) !== text) throw new Error("not canonical");
      },
    ),
    { numRuns: 3000 },
  );
  t.true(made > 100);
});

test("an ENTRYPOINT that is the place of the runscript makes no %runscript that starts itself", (t) => {
  const { text, losses } = convert('FROM debian:12\nENTRYPOINT ["/.singularity.d/runscript"]\n');
  t.is(section(text, "runscript"), "");
  t.like(losses.at(-1), { code: "convert/differs", location: { line: 2 } });
});

const told = (text: string, options: { ignored?: string } = {}) =>
  convertDockerfile(text, { file: "Dockerfile", ...options }).losses.map(
    ({ message, location }) => `${location.line}:${location.column} ${message}`,
  );

/** What is told about files that Docker leaves out. */
const ignored = (text: string | undefined, copy = "COPY . /x") =>
  told(`FROM a\n${copy}\n`, text === undefined ? {} : { ignored: text }).filter((line) =>
    line.includes("ignore"),
  );

test("what .dockerignore leaves out is told where a folder is copied", (t) => {
  t.deepEqual(ignored(".git\n# c\n\n!keep\nb\nc\nd\ne\n"), [
    "2:1 what .dockerignore leaves out (.git, b, c and 2 more) is copied too",
  ]);
  t.deepEqual(ignored("# nothing\n!x\n"), []);
  t.deepEqual(ignored(""), []);
  t.deepEqual(ignored(undefined), ["2:1 what .dockerignore leaves out is copied too"]);
  t.deepEqual(ignored(".git\n", "COPY --from=b . /x"), []);
});

test("what only the builder or the base knows is told", (t) => {
  t.deepEqual(told("# syntax=docker/dockerfile:1.7-labs\nFROM a\n"), []);
  t.deepEqual(told("# syntax=example.org/other\nFROM a\n"), [
    "1:1 example.org/other may read the file in another way",
  ]);
  t.deepEqual(told("FROM node:8-onbuild\n"), ["1:1 what the base says for ONBUILD is not done"]);
  t.true(told("FROM a\nARG V=1\nRUN x\n").some((line) => line.startsWith("2:5 a value that")));
  t.true(told("FROM a\nRUN x >/tmp/y\n").some((line) => line.startsWith("2:1 what is left in")));
  t.deepEqual(told("FROM scratch\nUSER root\nUSER 0:0\nWORKDIR /\n"), []);
});

test("the owner of an archive that is unpacked is told", (t) => {
  for (const from of ["scratch", "a"]) {
    const lines = told(`FROM ${from}\nADD --chown=1:2 a.tar /x\nRUN y\n`);
    t.true(lines.includes("2:5 --chown is left out: what is unpacked stays as it is"), from);
  }
});

test("an empty ENTRYPOINT runs what it is given", (t) => {
  t.is(section(convert("FROM a\nENTRYPOINT []\n").text, "runscript").trim(), 'exec "$@"');
});

test("a default made of other arguments follows them", (t) => {
  const { text } = convert("FROM a\nARG V=1\nARG F=v$V\nARG G=$F\nLABEL v=$F\n");
  t.true(text.includes("%arguments\n    V=1\n    F=v{{ V }}\n\n"));
  t.true(text.includes("%labels\n    v {{ F }}\n"));
});

test("patterns that cut a variable are left to the shell", (t) => {
  const { text } = convert("FROM a\nENV A=x.tar B=${A%.tar} C=${A##*.}\nRUN y\n");
  t.true(section(text, "post").includes('export A=x.tar B="${A%.tar}" C="${A##*.}"'));
});
