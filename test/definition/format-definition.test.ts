import test from "ava";
import fc from "fast-check";
import { splitPair } from "../../src/definition/build-arguments.ts";
import { splitAppCopyLines, splitCopyLines } from "../../src/definition/copy-lines.ts";
import { formatDefinition, formatDefinitionFile } from "../../src/definition/format-definition.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { DefinitionError } from "../../src/model/error.ts";
import type { Section } from "../../src/model/definition.ts";
import { trim } from "../../src/definition/white-space.ts";
import { randomDefinition, randomNumbers, someMarked } from "./random-definition.ts";

test("a definition gets one style", (t) => {
  t.is(
    formatDefinition(
      [
        "",
        "#!/usr/bin/env apptainer  ",
        "",
        "",
        "BOOTSTRAP:docker",
        "  from :   debian:12   # stable",
        "\t# a comment",
        "INCLUDE: a \\",
        "b \\ # c",
        "        c",
        "otherurl3:x",
        "%%FILES",
        "a /a",
        "",
        "",
        "  # c",
        "\tb   /b  ",
        "%arguments ",
        "A = 1",
        "%Labels",
        "  Key    value",
        "%help",
        "   Text.  ",
        "",
        "",
        "%post -c /bin/bash",
        "  one  ",
        "",
        "  two",
        "   ",
        "",
        "%runscript",
        "%test",
        "true",
      ].join("\r\n"),
    ),
    `#!/usr/bin/env apptainer

Bootstrap: docker
From: debian:12 # stable
# a comment
Include: a \\
    b \\ # c
    c
OtherURL3: x

%files
    a /a

    # c
    b   /b

%arguments
    A=1

%labels
    Key    value

%help
   Text.${"  "}


%post -c /bin/bash
  one${"  "}

  two

%runscript
%test
true
`,
  );
});

test("what would mean something else stays", (t) => {
  const texts = [
    "Bootstrap: docker\n\n%files  \n    a\n",
    "Bootstrap: docker\n\n%post\ncat <<EOF > x\na\n\n\n%help\nx\n",
    "Bootstrap: docker\n\n%post\ntrue \\\n\n%post\nfalse\n",
    "Bootstrap: docker\n\n%runscript\n\n#!/bin/sh\n",
    "From: a\n Bootstrap: docker\n",
    "# c\nBootstrap: docker\n",
    "# c\n\nBootstrap: docker\n",
    "Bootstrap: docker\n\n%help\nx\r\r\n",
    "Bootstrap: docker\n\n%post\ntrue\n\u00a0\n",
    "Bootstrap: docker\n\n%runscript\n\u00a0\n",
    "Bootstrap: docker\n\n%post\ntrue\n\r\r\n",
  ];
  for (const text of texts) t.is(formatDefinition(text), text);
});

test("a text with mistakes is refused with all of them", (t) => {
  const error = t.throws(() => formatDefinition("Bootstrap: a\nForm: b\n%nope\n", "x.def"), {
    instanceOf: DefinitionError,
  });
  t.deepEqual(
    error.diagnostics.map(({ code, location }) => [code, location.file]),
    [
      ["definition/unknown-section", "x.def"],
      ["definition/unknown-keyword", "x.def"],
    ],
  );
});

test("bytes that are no UTF-8 stay", (t) => {
  const bytes = Buffer.from("bootstrap:x\nFrom:\xe4\xa0 \n%help\n\xff\xc3\xa9", "latin1");
  t.is(
    Buffer.from(formatDefinitionFile(bytes, "x.def")).toString("latin1"),
    "Bootstrap: x\nFrom: \xe4\xa0\n\n%help\n\xff\xc3\xa9\n",
  );
});

/** What a section says, apart from what a formatter may change. */
function meaningOf(section: Section): unknown {
  const { name, body } = section;
  const lines = body.split("\n").map((line) => trim(line));
  const meant = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (name === "files" || name === "appfiles") {
    const read = name === "files" ? splitCopyLines(section) : splitAppCopyLines(section);
    return read.lines.map(({ source, destination }) => [source, destination]);
  }
  if (name === "labels" || name === "applabels") return meant;
  if (name === "arguments") return meant.map((line) => splitPair(line) ?? line);
  return name === "help" || name === "apphelp" ? body : body.replace(/[ \t\n]+$/, "");
}

const meaning = (text: string) => {
  const { definition, diagnostics } = readDefinition(text, { file: "x.def" });
  return definition === undefined
    ? diagnostics.map(({ code }) => code).toSorted()
    : definition.stages.map(({ header, sections }) => [
        header.map(({ key, value }) => [key, value]),
        sections.map((section) => [
          section.name,
          section.app,
          section.argument,
          meaningOf(section),
        ]),
      ]);
};

test("formatting keeps the meaning, and formatting again changes nothing", (t) => {
  let formatted = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = randomNumbers(seed);
      const plain = randomDefinition(random);
      const text = seed % 2 === 0 ? plain : someMarked(plain, random);
      let once: string;
      try {
        once = formatDefinition(text);
      } catch (error) {
        if (error instanceof DefinitionError) return;
        throw error;
      }
      formatted++;
      t.deepEqual(meaning(once), meaning(text), JSON.stringify(text));
      t.is(formatDefinition(once), once, JSON.stringify(text));
      t.true(once === "" || once.endsWith("\n"));
    }),
    { numRuns: 2000 },
  );
  t.true(formatted > 1000, String(formatted));
});
