// The grammar of one stage. Its rules are what `grammar/` is generated from.

import { CstParser, type CstNode } from "chevrotain";
import { tableLookahead } from "./lookahead.ts";
import { tokenize } from "./tokenize.ts";
import {
  allTokens,
  AppHeading,
  BareColon,
  Body,
  BrokenContinuation,
  Colon,
  CommentLine,
  Continuation,
  ContinuedText,
  Key,
  LineEnd,
  LoneBackslash,
  LoneKey,
  SectionHeading,
  UnknownHeading,
  ValueText,
} from "./tokens.ts";

export class StageParser extends CstParser {
  /**
   * @param isChecked whether Chevrotain looks for mistakes in the grammar, throws when it finds one, and finds out itself
   *   which way to go. That is for tests: it takes most of the time, and the grammar does not change while we run.
   */
  constructor(isChecked: boolean) {
    super([...allTokens], {
      nodeLocationTracking: "onlyOffset",
      skipValidations: !isChecked,
      ...(isChecked ? {} : { lookaheadStrategy: tableLookahead }),
    });
    this.performSelfAnalysis();
  }

  /** A stage: its header, then its sections in any order. */
  readonly stage = this.RULE("stage", () => {
    this.SUBRULE(this.header);
    this.MANY(() => this.SUBRULE(this.section));
  });

  readonly header = this.RULE("header", () => {
    this.MANY(() =>
      this.OR([
        { ALT: () => this.SUBRULE(this.field) },
        { ALT: () => this.CONSUME(CommentLine) },
        // These are mistakes, and taken as such by who reads the tree, as UnknownHeading below: so every text has a tree.
        // Chevrotain's recovery calls itself, runs out of stack when there are thousands, and makes each start slower.
        { ALT: () => this.CONSUME(BrokenContinuation) },
        { ALT: () => this.CONSUME(LoneKey) },
      ]),
    );
  });

  readonly field = this.RULE("field", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Key);
          this.CONSUME(Colon);
        },
      },
      { ALT: () => this.CONSUME(BareColon) },
    ]);
    this.SUBRULE(this.value);
  });

  readonly value = this.RULE("value", () => {
    this.OR([
      { ALT: () => this.CONSUME(LoneBackslash) },
      {
        ALT: () => {
          this.OPTION1(() => this.CONSUME(ValueText));
          this.MANY(() => {
            this.CONSUME(Continuation);
            this.OPTION2(() => this.CONSUME(ContinuedText));
          });
          this.OPTION3(() => this.CONSUME(LineEnd));
        },
      },
    ]);
  });

  readonly section = this.RULE("section", () => {
    this.OR([
      { ALT: () => this.CONSUME(SectionHeading) },
      { ALT: () => this.CONSUME(AppHeading) },
      { ALT: () => this.CONSUME(UnknownHeading) },
    ]);
    this.OPTION(() => this.CONSUME(Body));
  });
}

let parser: StageParser | undefined;

/** The parser, made when first needed: analysing the grammar takes longer than reading most files. */
export function stageParser(): StageParser {
  parser ??= new StageParser(false);
  return parser;
}

/** The concrete syntax tree of a stage's text. Every text has one; what is wrong with it are tokens of their own. */
export function parseStage(text: string): CstNode {
  const parser = stageParser();
  parser.input = tokenize(text);
  const tree = parser.stage();
  const [error] = parser.errors;
  if (error !== undefined) throw new Error(`the grammar lacks something: ${error.message}`);
  return tree;
}
