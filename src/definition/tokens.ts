// The words of a stage, and the modes in which they are looked for.
//
//   header     the start of a line before the first section
//   keyed      after a keyword, at its colon
//   value      after the colon
//   continued  the start of a line after a `\`
//   body       the start of a line after a section heading
//
// Most patterns are functions: a regular expression that loops over alternatives runs out of stack on a line of many
// megabytes, and what is a `\` at the end of a value can't be said without looking ahead.

import { createToken, Lexer, type CustomPatternMatcherFunc, type TokenType } from "chevrotain";
import { blankClass, skipBlanks, trimmedEnd } from "./white-space.ts";
import { headingAt, headingKind, markAt, type Heading, type HeadingKind } from "./heading.ts";

/** What a matcher of Chevrotain gives back: the match, and what it wants to see in the token. */
type Match = RegExpExecArray & { payload?: unknown };

const found = (image: string, payload?: unknown): Match => {
  const match: Match = Object.assign([image] as [string], { index: 0, input: image });
  if (payload !== undefined) match.payload = payload;
  return match;
};

/** Where the line ends: at its line feed or at the end of the text. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
}

const beforeComment = /[^#\n]*/y;

/** Where what counts of a header line ends: at its first `#`, wherever that is, or with the line. */
function cutEnd(text: string, offset: number): number {
  beforeComment.lastIndex = offset;
  beforeComment.test(text);
  return beforeComment.lastIndex;
}

const headingPattern =
  (kind: HeadingKind): CustomPatternMatcherFunc =>
  (text, offset) => {
    const heading = headingAt(text, offset);
    if (heading === undefined || headingKind(heading) !== kind) return null;
    return found(text.slice(offset, Math.min(lineEnd(text, offset) + 1, text.length)), heading);
  };

const commentLine: CustomPatternMatcherFunc = (text, offset) => {
  const end = lineEnd(text, offset);
  const first = skipBlanks(text, offset);
  if (first !== end && text[first] !== "#") return null;
  const image = text.slice(offset, Math.min(end + 1, text.length));
  return image === "" ? null : found(image);
};

/** The value up to its end, its comment or a backslash that ends it. */
const valueText: CustomPatternMatcherFunc = (text, offset) => {
  const end = trimmedEnd(text, offset, cutEnd(text, offset));
  const image = text.slice(offset, text[end - 1] === "\\" && end > offset ? end - 1 : end);
  return image === "" ? null : found(image);
};

/** A backslash at the end of a value, with what follows it on the line. */
const continuation =
  (afterText: boolean): CustomPatternMatcherFunc =>
  (text, offset, tokens) => {
    if (text[offset] !== "\\") return null;
    if (skipBlanks(text, offset + 1) < cutEnd(text, offset)) return null;
    if ((tokens.at(-1)?.tokenType === Colon) === afterText) return null;
    return found(text.slice(offset, Math.min(lineEnd(text, offset) + 1, text.length)));
  };

/** Everything up to the next line whose first word starts with `%` and is not marked as text. */
const bodyText: CustomPatternMatcherFunc = (text, offset) => {
  let at = offset;
  while (at < text.length && (headingAt(text, at) === undefined || markAt(text, at) !== undefined))
    at = lineEnd(text, at) + 1;
  const image = text.slice(offset, Math.min(at, text.length));
  return image === "" ? null : found(image);
};

// Nothing is popped: Chevrotain can't leave the mode it starts in, and no section ever ends but with the next.
const toBody = { push_mode: "body", line_breaks: true } as const;

/** The heading of one of the plain sections. */
export const SectionHeading = createToken({
  name: "SectionHeading",
  label: "section heading",
  pattern: headingPattern("section"),
  ...toBody,
});

/** The heading of a section that belongs to an app. */
export const AppHeading = createToken({
  name: "AppHeading",
  label: "app section heading",
  pattern: headingPattern("app"),
  ...toBody,
});

/** Any other line whose first word starts with `%`: always a mistake. */
export const UnknownHeading = createToken({
  name: "UnknownHeading",
  label: "unknown section heading",
  pattern: headingPattern("unknown"),
  ...toBody,
});

/** A line of the header that is blank or holds only a comment. */
export const CommentLine = createToken({
  name: "CommentLine",
  label: "comment or blank line",
  pattern: commentLine,
  line_breaks: true,
});

/** The same after a `\`, where it does not belong. */
export const BrokenContinuation = createToken({
  name: "BrokenContinuation",
  label: "comment or blank line after a backslash",
  pattern: commentLine,
  line_breaks: true,
  pop_mode: true,
});

export const Key = createToken({
  name: "Key",
  label: "keyword",
  pattern: /[^#:\n]+(?=:)/,
  push_mode: "keyed",
});

/** A line with words and no colon. */
export const LoneKey = createToken({
  name: "LoneKey",
  label: "line without a colon",
  pattern: /[^#:\n]+(?!:)(?:#[^\n]*)?\n?/,
  line_breaks: true,
});

/** The colon after a keyword. */
export const Colon = createToken({
  name: "Colon",
  label: ":",
  pattern: ":",
  pop_mode: true,
  push_mode: "value",
});

/** A colon with no keyword before it. */
export const BareColon = createToken({
  name: "BareColon",
  label: ": without a keyword",
  pattern: ":",
  push_mode: "value",
});

export const ValueText = createToken({
  name: "ValueText",
  label: "text",
  pattern: valueText,
  line_breaks: false,
});

/** The text of a line that continues a value. */
export const ContinuedText = createToken({
  name: "ContinuedText",
  label: "text of the next line",
  pattern: valueText,
  line_breaks: false,
  pop_mode: true,
  push_mode: "value",
});

/** A backslash that ends a line and lets the value go on in the next. */
export const Continuation = createToken({
  name: "Continuation",
  label: "\\ at the end of the line",
  pattern: continuation(true),
  line_breaks: true,
  pop_mode: true,
  push_mode: "continued",
});

/** A backslash that is all of a value: the next line does not belong to it, as Apptainer reads it. */
export const LoneBackslash = createToken({
  name: "LoneBackslash",
  label: "\\ alone",
  pattern: continuation(false),
  line_breaks: true,
  pop_mode: true,
});

/** A comment after a value. */
export const Comment = createToken({
  name: "Comment",
  label: "comment",
  pattern: /#[^\n]*/,
  group: Lexer.SKIPPED,
});

export const Blank = createToken({
  name: "Blank",
  label: "white space",
  pattern: new RegExp(`[${blankClass}]+`),
  group: Lexer.SKIPPED,
});

/** The end of a line of the header. */
export const LineEnd = createToken({
  name: "LineEnd",
  label: "end of the line",
  pattern: "\n",
  line_breaks: true,
  pop_mode: true,
});

/** The lines of a section, as they are. */
export const Body = createToken({
  name: "Body",
  label: "lines",
  pattern: bodyText,
  line_breaks: true,
});

const headings = [SectionHeading, AppHeading, UnknownHeading];

export const modes: Readonly<Record<string, TokenType[]>> = {
  header: [...headings, CommentLine, BareColon, Key, LoneKey],
  keyed: [Colon],
  value: [Blank, Comment, LineEnd, Continuation, LoneBackslash, ValueText],
  continued: [...headings, BrokenContinuation, Blank, Continuation, ContinuedText],
  body: [Body, ...headings],
};

export const allTokens: readonly TokenType[] = [...new Set(Object.values(modes).flat())];

/** The heading that a token of one of the three kinds of heading holds. */
export function headingOf(token: { payload?: unknown }): Heading {
  return token.payload as Heading;
}
