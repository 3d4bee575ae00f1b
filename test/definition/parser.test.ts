import test from "ava";
import { makeMachinery, parseStage } from "../../src/definition/parser.ts";

test("Chevrotain finds nothing wrong with the grammar", (t) => {
  const { lexer, parser } = makeMachinery(true);
  t.deepEqual(lexer.lexerDefinitionErrors, []);
  t.true(parser.getSerializedGastProductions().length > 3);
});

test("every text has a tree, and mistakes don't end it", (t) => {
  const { tree, errors } = parseStage("Bootstrap: a\nno colon\nFrom: b\n%nope\nx\n%post\ny\n");
  t.is(errors.length, 1);
  t.is(tree.children["section"]?.length, 2);
});
