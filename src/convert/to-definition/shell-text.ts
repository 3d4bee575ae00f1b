// Text for the shells that read a definition's scripts, written such that the definition's own rules don't see anything in
// it: no placeholder of a build argument, no line that begins a section or a stage, no carriage return that is dropped.

import type { Word, WordPart } from "../dockerfile/docker-word.ts";

const placeholder = /\{\{[\t\n\f\r ]*\w+[\t\n\f\r ]*\}\}/;
const beginning = /^(?:[^\S\n]|\u0085)*(?:%|bootstrap:)/imu;

/** Whether a definition keeps these lines of a script as they are. */
export function isInert(text: string): boolean {
  return !placeholder.test(text) && !beginning.test(text) && !text.includes("\r");
}

/** A word as it is where nothing in it means anything to a shell, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\w+,./:@-][\w%+,./:@=-]*$/.test(text) ? text : singleQuoted(text);
}

/** The text in single quotes. */
export function singleQuoted(text: string): string {
  return `'${guarded(text.replaceAll("'", `'"'"'`), "'")}'`;
}

/**
 * A word of a Dockerfile as a word of a shell that has its variables.
 * @param nameOf what the shell calls a variable
 */
export function shellText(word: Word, nameOf: (name: string) => string = (name) => name): string {
  const [first] = word;
  if (first === undefined) return '""';
  if (word.length === 1 && first.kind === "text") return shellWord(first.text);
  const parts = word.map((part, index) =>
    part.kind === "text"
      ? guarded(part.text.replaceAll(/[\\"$`]/g, "\\$&"), '"')
      : variable(part, word[index + 1], nameOf),
  );
  return `"${parts.join("")}"`;
}

function variable(
  part: WordPart & { kind: "variable" },
  next: WordPart | undefined,
  nameOf: (name: string) => string,
): string {
  const name = nameOf(part.name);
  if (part.operator !== undefined) {
    return `\${${name}${part.operator}${part.word.map((inner) => insideBraces(inner, nameOf)).join("")}}`;
  }
  return next?.kind === "text" && /^\w/.test(next.text) ? `\${${name}}` : `$${name}`;
}

function insideBraces(part: WordPart, nameOf: (name: string) => string): string {
  return part.kind === "text"
    ? part.text.replaceAll(/[\\"$`}]/g, "\\$&")
    : variable(part, { kind: "text", text: "_" }, nameOf);
}

/** An empty pair of quotes in the middle of a quoted text changes nothing, but the definition no longer sees the pattern. */
function guarded(text: string, quote: string): string {
  if (isInert(text)) return text;
  const pair = quote + quote;
  return text
    .replaceAll(/\{(?=\{)/g, `{${pair}`)
    .replaceAll(/\n(?=(?:[^\S\n]|\u0085)*(?:%|bootstrap:))/giu, `\n${pair}`)
    .replaceAll(/\r/g, `\r${pair}`);
}

export interface ScriptShape {
  /** A quote or a backslash at the end waits for more. */
  readonly isOpen: boolean;
  readonly hasComment: boolean;
  /** For each of the offsets: whether a backslash and a line feed can stand there without meaning anything. */
  readonly breaks: readonly boolean[];
}

/** What can be told of a shell's text without a shell. @param offsets ascending */
export function scriptShape(text: string, offsets: readonly number[] = []): ScriptShape {
  const nests = /\$\(|`/.test(text);
  const breaks: boolean[] = [];
  let quote = "";
  let hasComment = false;
  let isEscaped = false;
  for (let at = 0; at <= text.length; at++) {
    while (breaks.length < offsets.length && offsets[breaks.length] === at) {
      breaks.push(!isEscaped && !hasComment && (quote === "" || (quote === '"' && !nests)));
    }
    const character = text.charAt(at);
    if (isEscaped) isEscaped = false;
    else if (character === "\\" && quote !== "'") isEscaped = at < text.length;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === "#" && /^[\s;&|()]?$/.test(text.charAt(at - 1))) hasComment = true;
  }
  return { isOpen: quote !== "" || /(?:^|[^\\])(?:\\\\)*\\$/.test(text), hasComment, breaks };
}
