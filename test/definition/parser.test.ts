import { Lexer } from "chevrotain";
import fc from "fast-check";
import test from "ava";
import { parseStage, StageParser } from "../../src/definition/parser.ts";
import { tokenize } from "../../src/definition/tokenize.ts";
import { modes } from "../../src/definition/tokens.ts";

const lexer = new Lexer(
  { modes: { ...modes }, defaultMode: "header" },
  { positionTracking: "onlyOffset" },
);

test("Chevrotain finds nothing wrong with the grammar", (t) => {
  t.deepEqual(lexer.lexerDefinitionErrors, []);
  t.true(new StageParser(true).getSerializedGastProductions().length > 3);
});

test("the table says which way Chevrotain would go", (t) => {
  const checked = new StageParser(true);
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 24 });
  fc.assert(
    fc.property(text, (chosen) => {
      const source = chosen.join("");
      checked.input = tokenize(source);
      t.deepEqual(parseStage(source), checked.stage());
      t.deepEqual(checked.errors, []);
    }),
    { numRuns: 500 },
  );
});

test("every text has a tree, and mistakes don't end it", (t) => {
  const tree = parseStage("Bootstrap: a\nno colon\nFrom: b\n%nope\nx\n%post\ny\n");
  t.is(tree.children["section"]?.length, 2);
});

const pieces =
  "Bootstrap|From|:| |\t|\n|\r\n|\\|\\\n|#|# c\n|x|é|%post|%apprun a|%nope|%|\n%files from b\n|\u00a0|\u2028|a: b\\\n".split(
    "|",
  );

test("Chevrotain's lexer has the same tokens for the same text", (t) => {
  const piece = fc.constantFrom(...pieces);
  const text = fc.array(piece, { maxLength: 24 }).map((chosen) => chosen.join(""));
  fc.assert(
    fc.property(text, (source) => {
      const { tokens, errors } = lexer.tokenize(source);
      t.deepEqual(errors, []);
      t.is(essenceOf(tokenize(source)), essenceOf(tokens));
      t.notThrows(() => parseStage(source));
    }),
    { numRuns: 2000 },
  );
});

/** What the parser sees of tokens. */
const essenceOf = (tokens: ReturnType<typeof tokenize>) =>
  JSON.stringify(
    tokens.map(({ image, startOffset, tokenType, payload }) => ({
      image,
      startOffset,
      name: tokenType.name,
      payload: payload as unknown,
    })),
  );
