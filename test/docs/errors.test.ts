// Every code that the program can show has a page that explains it, and every page is about such a code.

import { globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import test from "ava";
import { fixers } from "../../src/definition/fixes/fixers.ts";
import { rules } from "../../src/definition/rules/rules.ts";

const files = globSync("src/**/*.ts").map((file) => ({
  folder: dirname(file),
  text: readFileSync(file, "utf8"),
}));
const sources = files.map(({ text }) => text);
const code = "[a-z]+/[a-z][a-z0-9-]*";

const pages = new Map(
  globSync("docs/errors/**/*.md").map((file) => [
    file.slice("docs/errors/".length, -".md".length),
    readFileSync(file, "utf8"),
  ]),
);

/**
 * Codes as they stand in the sources: the first word given to an error, the `code` of a diagnostic or event, and any
 * other text of that form whose family is one of those or has pages, since some pass through helpers.
 */
const certain = sources.flatMap((source) =>
  [
    ...source.matchAll(new RegExp(`Error\\(\\s*"(${code})"`, "g")),
    ...source.matchAll(new RegExp(`\\bcode: "(${code})"`, "g")),
  ].map((match) => match[1] ?? ""),
);
const families = new Set([...certain, ...pages.keys()].map((found) => found.split("/")[0] ?? ""));
const quoted = sources.flatMap((source) =>
  [...source.matchAll(new RegExp(`"(${code})"`, "g"))]
    .map((match) => match[1] ?? "")
    .filter((found) => families.has(found.split("/")[0] ?? "")),
);
/** A folder may put the family before reasons in one place: `files/${reason}` for every `copyError("missing", …`. */
const composed = files.flatMap(({ folder, text }) =>
  [...text.matchAll(/Error\(\s*`([a-z]+)\/\$\{/g)].flatMap(([, family]) =>
    files
      .filter((other) => other.folder === folder)
      .flatMap((other) => [...other.text.matchAll(/[a-z]Error\(\s*"([a-z-]+)",/g)])
      .map(([, reason]) => `${family}/${reason}`),
  ),
);

/** Rules of `check` have their names for reasons. */
const ofRules = rules.map(({ name }) => `check/${name}`);

/** Two stand outside of the families: a signal, and what is our own mistake. */
const alone = ["interrupted", "bug"];
const codes = new Set([...certain, ...quoted, ...composed, ...ofRules, ...alone]);

test("the sources have codes and the documents have pages", (t) => {
  t.true(codes.size > 50);
  t.true(pages.size > 50);
});

test("every code has a page", (t) => {
  t.deepEqual([...codes].filter((found) => !pages.has(found)).toSorted(), []);
});

test("pages of what check --fix can mend say so, and no others", (t) => {
  const told = [...pages].filter(([, text]) => /\n\*\*What to do[^\n]*check --fix/.test(text));
  t.deepEqual(told.map(([name]) => name).toSorted(), Object.keys(fixers).toSorted());
});

test("every page is about a code that the program shows", (t) => {
  t.deepEqual([...pages.keys()].filter((page) => !codes.has(page)).toSorted(), []);
});

for (const [name, text] of pages) {
  test(`${name} says what you see, why, what to do, and shows an example`, (t) => {
    const lines = text.split("\n");
    t.is(lines[0], `# ${name}`);
    const parts = lines.flatMap((line) => /^\*\*([A-Z][a-z ]+)[.:]\*\* /.exec(line)?.[1] ?? []);
    t.deepEqual(parts.slice(0, 3), ["What you see", "Why", "What to do"]);
    t.regex(text, /\n\*\*Example[.:]\*\*|\n```[a-z]*\n[^]+\n```\n/);
  });
}
