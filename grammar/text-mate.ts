// Colours for editors: a TextMate grammar, which VS Code, GitHub and others read. A section ends where the next line's
// first word starts with `%`, or where a line starts with `bootstrap:`, as for the parser.

import { headerKeywords } from "../src/definition/header-keywords.ts";
import { appSectionNames, sectionNames } from "../src/definition/section-names.ts";

interface Pattern {
  readonly [key: string]: unknown;
}

/** Letters of a word in either case: not every engine can switch case off for a part of a pattern. */
const anyCase = (word: string) =>
  word.replaceAll(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);

const stageStart = `^${anyCase("bootstrap")}:`;
const sectionEnd = `(?=^\\s*%(?!\\\\))|(?=${stageStart})`;

const scripts = ["post", "setup", "pre", "test", "runscript", "startscript", "environment"];
const appScripts = ["appinstall", "apptest", "apprun", "appstart", "appenv"];

function section(names: readonly string[], pattern: string, inside: Pattern): Pattern {
  return {
    comment: names.map((name) => `%${name}`).join(" "),
    begin: pattern,
    beginCaptures: {
      1: { name: "keyword.control.section.apptainer" },
      2: { name: "entity.name.section.apptainer" },
      3: { name: "string.unquoted.argument.apptainer" },
    },
    end: sectionEnd,
    ...inside,
  };
}

const plain = (names: readonly string[]) => `^(%+)(${names.map(anyCase).join("|")})(?: (.*))?\\s*$`;
const ofApp = (names: readonly string[]) => `^(%+)(${names.join("|")}) ([^ \\r]+.*)$`;

const include = (name: string) => ({ include: `#${name}` });

/** The grammar as an object; its file is this as JSON. */
export function textMate(): Pattern {
  const lists = ["files", "labels"];
  const kinds: readonly (readonly [plain: string[], app: string[], inside: Pattern])[] = [
    [
      scripts,
      appScripts,
      {
        contentName: "meta.embedded.block.shell",
        patterns: [include("mark"), include("placeholder"), { include: "source.shell" }],
      },
    ],
    [
      ["help"],
      ["apphelp"],
      {
        contentName: "string.unquoted.help.apptainer",
        patterns: [include("mark"), include("placeholder")],
      },
    ],
    [
      lists,
      lists.map((name) => `app${name}`),
      {
        patterns: [include("mark"), include("comment"), include("placeholder"), include("string")],
      },
    ],
    [
      ["arguments"],
      [],
      { patterns: [include("comment"), include("assignment"), include("placeholder")] },
    ],
  ];
  const covered = kinds.flatMap(([names, apps]) => [...names, ...apps]).toSorted();
  if (covered.join() !== [...sectionNames, ...appSectionNames].toSorted().join()) {
    throw new Error("text-mate.ts does not colour the sections that there are");
  }
  return {
    name: "Apptainer definition",
    scopeName: "source.apptainer-definition",
    fileTypes: ["def"],
    patterns: [
      ...kinds.flatMap(([names, apps, inside]) => [
        section(names, plain(names), inside),
        ...(apps.length === 0 ? [] : [section(apps, ofApp(apps), inside)]),
      ]),
      { name: "invalid.illegal.section.apptainer", match: "^\\s*%.*$" },
      include("comment"),
      include("field"),
    ],
    repository: {
      comment: {
        name: "comment.line.number-sign.apptainer",
        match: "^\\s*#.*$",
      },
      mark: { name: "constant.character.escape.apptainer", match: "^\\s*%\\\\" },
      placeholder: {
        name: "variable.other.placeholder.apptainer",
        match: "\\{\\{\\s*[0-9A-Za-z_]+\\s*\\}\\}",
      },
      string: { name: "string.quoted.double.apptainer", match: '"[^"]*"' },
      assignment: {
        match: "^\\s*([^=#]+?)\\s*(=)(.*)$",
        captures: {
          1: { name: "variable.parameter.apptainer" },
          2: { name: "keyword.operator.assignment.apptainer" },
          3: { name: "string.unquoted.apptainer", patterns: [include("placeholder")] },
        },
      },
      field: {
        begin: `^\\s*(${keyPattern()})\\s*(:)`,
        beginCaptures: {
          1: { name: "keyword.other.header.apptainer" },
          2: { name: "punctuation.separator.apptainer" },
        },
        end: "(?=\\n)",
        patterns: [
          {
            // Takes the end of the line along, so that the value goes on in the next.
            match: "(\\\\)\\s*(#.*)?\\n",
            captures: {
              1: { name: "constant.character.escape.apptainer" },
              2: { name: "comment.line.number-sign.apptainer" },
            },
          },
          { name: "comment.line.number-sign.apptainer", match: "#.*" },
          include("placeholder"),
          { name: "string.unquoted.value.apptainer", match: "[^#{\\\\\\n]+|[{\\\\]" },
        ],
      },
    },
  };
}

function keyPattern(): string {
  return headerKeywords
    .map(({ spelling }) => anyCase(spelling) + (spelling === "OtherURL" ? "[0-9]+" : ""))
    .toSorted((a, b) => b.length - a.length)
    .join("|");
}
