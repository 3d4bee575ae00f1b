import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import test from "ava";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";
import { grammarFiles } from "../../grammar/generate.ts";
import { productions, tokenNames } from "../../grammar/production.ts";
import { terminals } from "../../grammar/terminals.ts";

const folder = join(import.meta.dirname, "../../grammar");

for (const [name, text] of Object.entries(grammarFiles())) {
  test(`${name} says what the parser does`, (t) => {
    t.is(readFileSync(join(folder, name), "utf8"), text, "run: npx -c 'node grammar/generate.ts'");
  });
}

test("every token has its words, and no other", (t) => {
  t.deepEqual(Object.keys(terminals).toSorted(), tokenNames(productions()).toSorted());
});

test("every rule that is used is there, and every one but the first is used", (t) => {
  const all = productions();
  const used = JSON.stringify(all).matchAll(/"kind":"rule","name":"(\w+)"/g);
  t.deepEqual(
    [...new Set([...used].map(([, name = ""]) => name))].toSorted(),
    all
      .slice(1)
      .map(({ name }) => name)
      .toSorted(),
  );
});

test("diagrams need nothing from elsewhere", (t) => {
  const page = grammarFiles()["definition.md"] ?? "";
  t.is(page.match(/<svg/g)?.length, productions().length);
  t.notRegex(page.replaceAll("http://www.w3.org/2000/svg", ""), /https?:|href=|<script|url\(/);
  t.notRegex(page, /NaN|undefined|Infinity/);
});

/** Text → scope (the innermost that is ours), as an editor would colour the lines. */
async function colours(text: string): Promise<(readonly [string, string])[]> {
  const wasm = createRequire(import.meta.url).resolve("vscode-oniguruma/release/onig.wasm");
  await oniguruma.loadWASM(new Uint8Array(readFileSync(wasm)).buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns: string[]) => new oniguruma.OnigScanner(patterns),
      createOnigString: (string: string) => new oniguruma.OnigString(string),
    }),
    loadGrammar: (scope) => {
      const file = "definition.tmLanguage.json";
      const raw = scope === "source.apptainer-definition" ? grammarFiles()[file] : undefined;
      return Promise.resolve(raw === undefined ? null : textmate.parseRawGrammar(raw, file));
    },
  });
  const grammar = await registry.loadGrammar("source.apptainer-definition");
  if (grammar === null) throw new Error("the grammar can't be loaded");
  let state = textmate.INITIAL;
  return text.split("\n").flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    return tokens
      .map(({ startIndex, endIndex, scopes }) => {
        const scope = scopes.slice(1).at(-1) ?? "";
        return [
          line.slice(startIndex, endIndex).trim(),
          scope.replace(/\.apptainer$/, ""),
        ] as const;
      })
      .filter(([word]) => word !== "");
  });
}

test.serial("editors colour a definition by its sections", async (t) => {
  t.deepEqual(
    await colours(
      [
        "# c",
        "bootstrap: docker # x",
        "Include: a \\",
        "  b: {{ V }} \\ # d",
        "Form: y",
        "OtherURL12: z",
        "Wrong: x",
        "%arguments",
        "  V = 1{{ W }}",
        "%HELP # c",
        "Text {{ V }} %help",
        "  %foo",
        "%files from x",
        'a "b c"',
        "%apprun foo",
        "exec x",
        "%AppRun foo",
        "Bootstrap: docker",
        "%post -c bash",
        "echo {{ V }}",
        "BOOTSTRAP: no",
      ].join("\n"),
    ),
    [
      ["# c", "comment.line.number-sign"],
      ["bootstrap", "keyword.other.header"],
      [":", "punctuation.separator"],
      ["docker", "string.unquoted.value"],
      ["# x", "comment.line.number-sign"],
      ["Include", "keyword.other.header"],
      [":", "punctuation.separator"],
      ["a", "string.unquoted.value"],
      ["\\", "constant.character.escape"],
      ["b:", "string.unquoted.value"],
      ["{{ V }}", "variable.other.placeholder"],
      ["\\", "constant.character.escape"],
      ["# d", "comment.line.number-sign"],
      ["Form: y", "string.unquoted.value"],
      ["OtherURL12", "keyword.other.header"],
      [":", "punctuation.separator"],
      ["z", "string.unquoted.value"],
      ["Wrong: x", ""],
      ["%", "keyword.control.section"],
      ["arguments", "entity.name.section"],
      ["V", "variable.parameter"],
      ["=", "keyword.operator.assignment"],
      ["1", "string.unquoted"],
      ["{{ W }}", "variable.other.placeholder"],
      ["%", "keyword.control.section"],
      ["HELP", "entity.name.section"],
      ["# c", "string.unquoted.argument"],
      ["Text", "string.unquoted.help"],
      ["{{ V }}", "variable.other.placeholder"],
      ["%help", "string.unquoted.help"],
      ["%foo", "invalid.illegal.section"],
      ["%", "keyword.control.section"],
      ["files", "entity.name.section"],
      ["from x", "string.unquoted.argument"],
      ["a", ""],
      ['"b c"', "string.quoted.double"],
      ["%", "keyword.control.section"],
      ["apprun", "entity.name.section"],
      ["foo", "string.unquoted.argument"],
      ["exec x", "meta.embedded.block.shell"],
      ["%AppRun foo", "invalid.illegal.section"],
      ["Bootstrap", "keyword.other.header"],
      [":", "punctuation.separator"],
      ["docker", "string.unquoted.value"],
      ["%", "keyword.control.section"],
      ["post", "entity.name.section"],
      ["-c bash", "string.unquoted.argument"],
      ["echo", "meta.embedded.block.shell"],
      ["{{ V }}", "variable.other.placeholder"],
      ["BOOTSTRAP", "keyword.other.header"],
      [":", "punctuation.separator"],
      ["no", "string.unquoted.value"],
    ],
  );
});
