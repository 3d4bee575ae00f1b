import { headerKeywords } from "../src/definition/header-keywords.ts";
import { appSectionNames, sectionNames } from "../src/definition/section-names.ts";

/** What each token of the grammar is, in words. */
export const terminals: Readonly<Record<string, string>> = {
  CommentLine: "a line that is blank, or whose first character after white space is `#`",
  Key: `one of ${headerKeywords.map(({ spelling }) => (spelling === "OtherURL" ? "OtherURL with a number" : spelling)).join(", ")}; in any case, with white space around it`,
  Colon: "`:`",
  LoneBackslash: "a `\\` that is all of the value, and the end of its line; the keyword is lost",
  ValueText:
    "the rest of the line up to its first `#` or to a `\\` that ends it, without white space at the ends",
  Continuation:
    "a `\\` before the end of the line or its comment; blanks before it belong to the value",
  ContinuedText: "the same as ValueText, on the next line, which is neither blank nor a comment",
  LineEnd: "a comment from `#` on, if there is one, and a line feed or the end of the file",
  SectionHeading: `a line of one or more \`%\` and ${orList(sectionNames)}, in any case; after a blank, words for the section`,
  AppHeading: `a line of one or more \`%\` and ${orList(appSectionNames)}, in lower case, a blank and the app's name`,
  Body: "all lines up to the next whose first word starts with `%`, quotes and heredocs notwithstanding; a `%\\` that starts the first word is taken away, and the line is text, whatever follows",
};

function orList(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
