import { headerKeywords } from "../src/definition/header-keywords.ts";
import { appSectionMeanings, sectionMeanings } from "../src/definition/section-names.ts";
import { productions, tokenNames } from "./production.ts";
import { railroad } from "./railroad.ts";
import { terminals } from "./terminals.ts";

const table = (head: string, entries: readonly (readonly [string, string])[]) => [
  `| ${head} | |`,
  "| --- | --- |",
  ...entries.map(([name, meaning]) => `| ${name} | ${meaning} |`),
];

/** The page about the grammar: diagrams, tokens, keywords and sections. */
export function reference(): string {
  const all = productions();
  return [
    "# The grammar of definition files",
    "",
    "Written by `grammar/generate.ts` from the parser; a test holds the two together. The same in EBNF: `definition.ebnf`.",
    "",
    "A file is cut into stages before every line that starts with `bootstrap:`, in any case and wherever it is. Build",
    "arguments, `{{ name }}`, are filled in in the text of a stage that could be read, and then it is read again.",
    "",
    "Boxes with corners are rules, round ones are tokens.",
    "",
    ...all.flatMap(({ name, part }) => [`## ${name}`, "", railroad(name, part), ""]),
    "## Tokens",
    "",
    ...table(
      "Token",
      tokenNames(all).map((name) => [name, terminals[name] ?? ""] as const),
    ),
    "",
    "## Keywords of the header",
    "",
    "Which of them an agent reads is its own business; all of them are accepted with every agent.",
    "",
    ...table(
      "Keyword",
      headerKeywords.map(({ spelling, meaning }) => [`\`${spelling}\``, meaning] as const),
    ),
    "",
    "## Sections",
    "",
    ...table(
      "Section",
      [...Object.entries(sectionMeanings), ...Object.entries(appSectionMeanings)].map(
        ([name, meaning]) =>
          [`\`%${name}${name in appSectionMeanings ? " APP" : ""}\``, meaning] as const,
      ),
    ),
    "",
  ].join("\n");
}
