// Written by `grammar/generate.ts` from the grammar in `parser.ts`; a test holds the two together.

/** The choices of each rule: the tokens that each alternative may start with, `""` where it may be empty. */
export const decisions: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "stage Repetition0": [["SectionHeading", "AppHeading", "UnknownHeading"]],
  "header Repetition0": [["Key", "BareColon", "CommentLine", "BrokenContinuation", "LoneKey"]],
  "header Alternation0": [
    ["Key", "BareColon"],
    ["CommentLine"],
    ["BrokenContinuation"],
    ["LoneKey"],
  ],
  "field Alternation0": [["Key"], ["BareColon"]],
  "value Alternation0": [["LoneBackslash"], ["ValueText", "Continuation", "LineEnd", ""]],
  "value Option1": [["ValueText"]],
  "value Repetition0": [["Continuation"]],
  "value Option2": [["ContinuedText"]],
  "value Option3": [["LineEnd"]],
  "section Alternation0": [["SectionHeading"], ["AppHeading"], ["UnknownHeading"]],
  "section Option0": [["Body"]],
};
