// The grammar of one stage. Its rules are what `grammar/` is generated from.

import { CstParser, Lexer, type CstNode, type IRecognitionException } from "chevrotain";
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
  modes,
  SectionHeading,
  UnknownHeading,
  ValueText,
} from "./tokens.ts";

export class StageParser extends CstParser {
  constructor(isChecked: boolean) {
    super([...allTokens], {
      recoveryEnabled: true,
      nodeLocationTracking: "onlyOffset",
      skipValidations: !isChecked,
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
        { ALT: () => this.CONSUME(BrokenContinuation) },
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
      // A mistake, and taken as one by who reads the tree: Chevrotain recovers by calling itself, and runs out of stack
      // when there are thousands.
      { ALT: () => this.CONSUME(UnknownHeading) },
    ]);
    this.OPTION(() => this.CONSUME(Body));
  });
}

export interface ParsedStage {
  readonly tree: CstNode;
  readonly errors: readonly IRecognitionException[];
}

interface Machinery {
  readonly lexer: Lexer;
  readonly parser: StageParser;
}

let machinery: Machinery | undefined;

/** The lexer and the parser, made when first needed: analysing the grammar takes longer than reading most files. */
export function stageMachinery(): Machinery {
  machinery ??= makeMachinery(false);
  return machinery;
}

/**
 * A lexer and a parser of their own.
 * @param isChecked whether Chevrotain looks for mistakes in the grammar and throws when it finds one. That is for a test:
 *   it takes most of the time, and the grammar does not change while we run.
 */
export function makeMachinery(isChecked: boolean): Machinery {
  const lexer = new Lexer(
    { modes: { ...modes }, defaultMode: "header" },
    { positionTracking: "onlyOffset", skipValidations: !isChecked },
  );
  return { lexer, parser: new StageParser(isChecked) };
}

/** The concrete syntax tree of a stage's text. Every text has one; what is wrong with it stands in the errors. */
export function parseStage(text: string): ParsedStage {
  const { lexer, parser } = stageMachinery();
  const { tokens, errors } = lexer.tokenize(text);
  if (errors.length > 0) throw new Error(`the lexer has no word for ${JSON.stringify(errors[0])}`);
  parser.input = tokens;
  return { tree: parser.stage(), errors: parser.errors };
}
