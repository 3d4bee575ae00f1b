import type { Marks } from "./marks.ts";

/** `export NAME=VALUE NAME …`, or `NAME=VALUE`. */
export interface Statement {
  /** The value is text for double quotes of a Dockerfile; undefined where only the name stands. */
  readonly pairs: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly isExport: boolean;
  /** As it is written. */
  readonly source: string;
}

export interface AssignmentContext {
  readonly marks: Marks;
  /** An argument's default. */
  readonly valueOf: (name: string) => string | undefined;
  readonly variables: {
    /** What a value has in place of a variable; undefined when it can't be had. */
    text(name: string, form: string): string | undefined;
  };
}

const word = /([A-Za-z_]\w*)(=?)/y;
const blanks = /[ \t]*/y;

/**
 * What a line of a shell script sets, if it does nothing else and the values hold nothing but text, quotes and variables
 * that are known. Undefined for all other lines.
 */
export function assignmentsOf(
  line: string,
  context: AssignmentContext,
): readonly Statement[] | undefined {
  const text = line.trim();
  const found: Statement[] = [];
  let at = 0;
  const skip = () => {
    blanks.lastIndex = at;
    blanks.test(text);
    at = blanks.lastIndex;
  };
  while (at < text.length) {
    const start = at;
    const isExport = /^export[ \t]+/.test(text.slice(at));
    if (isExport) at += "export".length;
    skip();
    const pairs: { name: string; value: string | undefined }[] = [];
    while (at < text.length && !/[;#]/.test(text.charAt(at))) {
      word.lastIndex = at;
      const [whole = "", name = "", equals] = word.exec(text) ?? [];
      if (whole === "" || (equals === "" && !isExport)) return undefined;
      at += whole.length;
      const value = equals === "" ? undefined : valueAt(text, at, name, context);
      if (equals !== "" && value === undefined) return undefined;
      if (value !== undefined) at = value.end;
      if (at < text.length && !/[\s;]/.test(text.charAt(at))) return undefined;
      pairs.push({ name, value: value?.text });
      skip();
    }
    // Of assignments alone, a later one sees what an earlier one sets.
    if (pairs.length === 0 || (!isExport && pairs.length > 1)) return undefined;
    found.push({ pairs, isExport, source: text.slice(start, at) });
    if (text.charAt(at) === "#") break;
    // The next of one line may use what this one sets, which is not known yet.
    if (text.charAt(at) === ";" && /\$/.test(text.slice(at))) return undefined;
    at += text.charAt(at) === ";" ? 1 : 0;
    skip();
    if (text.charAt(at) === "#") break;
  }
  return found;
}

// A single-quoted text, a double-quoted one without commands in it, an escaped character, a variable, plain text.
const piece =
  /'([^']*)'|"((?:[^"\\$`]|\\.|\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\})*)"|\\(.)|(\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\})|([^\s'"\\$`;&|<>()*?[\]{}#~!]+)/sy;

function valueAt(text: string, start: number, own: string, context: AssignmentContext) {
  const { marks, valueOf } = context;
  const isHarmless = (part: string, pattern: RegExp) =>
    marks.in(part).every((name) => !pattern.test(valueOf(name) ?? ""));
  let value = "";
  let at = start;
  while (at < text.length && !/[\s;]/.test(text.charAt(at))) {
    piece.lastIndex = at;
    const match = piece.exec(text);
    if (match === null) return undefined;
    const [, single, double, escaped, variable, plain] = match;
    const inside = double ?? variable;
    if (inside !== undefined) {
      const expanded = insideQuotes(inside, own, context);
      if (expanded === undefined || !isHarmless(inside, /["$`\\]/)) return undefined;
      value += expanded;
    } else {
      const part = single ?? escaped ?? plain ?? "";
      if (!isHarmless(part, single === undefined ? /[^\w+,./:@%=-]/ : /'/)) return undefined;
      value += part.replaceAll(/[\\"$]/g, "\\$&");
    }
    at = piece.lastIndex;
  }
  return { text: marks.replace(value, (name) => `\${${marks.variable(name)}}`), end: at };
}

/** What stands between double quotes of a shell, for those of a Dockerfile. */
function insideQuotes(
  text: string,
  own: string,
  { variables }: AssignmentContext,
): string | undefined {
  let result = "";
  for (const [whole, escaped, name] of text.matchAll(/\\(.)|\$\{?(\w+)\}?|[^\\$]+/gs)) {
    if (name !== undefined) {
      // A variable may be made of what the base has for it.
      const value = variables.text(name, whole) ?? (name === own ? whole : undefined);
      if (value === undefined) return undefined;
      result += value;
    } else if (escaped === undefined) result += whole;
    // A shell's double quotes have two escapes more than Docker's: what means itself there is written plainly.
    else if (escaped === "`") result += escaped;
    else result += /["\\$]/.test(escaped) ? whole : `\\\\${escaped}`;
  }
  return result;
}
