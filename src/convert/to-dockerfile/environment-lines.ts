import type { Section } from "../../model/definition.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";
import { sectionLine } from "./section-line.ts";

/** One variable that a line of `%environment` exports, its value between double quotes of a Dockerfile. */
interface Export {
  readonly name: string;
  readonly value: string;
}

export interface ImageEnvironment {
  /** ENV instructions. */
  readonly lines: readonly string[];
  /** What needs a shell whenever a container starts, with marks; empty for nothing. */
  readonly script: string;
}

/**
 * ENV for the lines of `%environment` that export plain values. What comes after the first other line may depend on it,
 * and becomes a script, which only what starts by itself can run.
 * @param isStarted whether something does
 */
export function environmentLines(
  section: Section,
  marks: Marks,
  losses: Losses,
  valueOf: (name: string) => string | undefined,
  isStarted: boolean,
): ImageEnvironment {
  const lines: string[] = [];
  const known = new Set(["PATH"]);
  const body = section.body.replace(/\n$/, "").split("\n");
  for (const [index, text] of body.entries()) {
    if (/^\s*(?:#|$)/.test(text)) continue;
    const pairs = exportsOf(text, marks, valueOf, known);
    if (pairs === undefined) {
      const hint = "write export NAME=VALUE with plain values, first of all";
      const location = sectionLine(section, index, text);
      if (isStarted) {
        const message = "from here on, variables are only there for the runscript";
        losses.differs(location, message, hint);
      } else losses.lost(location, "from here on, the lines need a shell and are left out", hint);
      return { lines, script: `${body.slice(index).join("\n")}\n` };
    }
    for (const { name } of pairs) known.add(name);
    lines.push(
      `ENV ${pairs.map(({ name, value }) => `${name}=${/^[\w+,./:@%-]+$/.test(value) ? value : `"${value}"`}`).join(" ")}`,
    );
  }
  return { lines, script: "" };
}

const nameAt = /([A-Za-z_]\w*)=/y;

/**
 * What a line of a shell script exports, if it is `export NAME=VALUE …` and nothing else, and the values hold nothing but
 * text, quotes and variables that Docker knows. Undefined for all other lines.
 * @param known variables that have been set; besides, each may be made of itself
 */
export function exportsOf(
  line: string,
  marks: Marks,
  valueOf: (name: string) => string | undefined,
  known: ReadonlySet<string>,
): readonly Export[] | undefined {
  const text = line.trim();
  if (!/^export\s/.test(text)) return undefined;
  const found: Export[] = [];
  for (let at = "export".length; at < text.length;) {
    const blank = /\s+/y;
    blank.lastIndex = at;
    if (!blank.test(text)) return undefined;
    at = blank.lastIndex;
    if (text.charAt(at) === "#") break;
    nameAt.lastIndex = at;
    const [, name = ""] = nameAt.exec(text) ?? [];
    if (name === "") return undefined;
    const value = valueAt(text, at + name.length + 1, {
      marks,
      valueOf,
      isKnown: (used) => used === name || known.has(used),
    });
    if (value === undefined) return undefined;
    found.push({ name, value: value.text });
    at = value.end;
  }
  return found.length > 0 ? found : undefined;
}

interface ValueContext {
  readonly marks: Marks;
  readonly valueOf: (name: string) => string | undefined;
  readonly isKnown: (name: string) => boolean;
}

// A single-quoted text, a double-quoted one without commands in it, an escaped character, a variable, plain text.
const piece =
  /'([^']*)'|"((?:[^"\\$`]|\\.|\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\})*)"|\\(.)|(\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\})|([^\s'"\\$`;&|<>()*?[\]{}#~!]+)/sy;

function valueAt(text: string, start: number, context: ValueContext) {
  const { marks, valueOf, isKnown } = context;
  const isHarmless = (part: string, pattern: RegExp) =>
    marks.in(part).every((name) => !pattern.test(valueOf(name) ?? ""));
  const areKnown = (part: string) =>
    [...part.matchAll(/(?<!\\)(?:\\\\)*\$\{?(\w+)/g)].every(([, name = ""]) => isKnown(name));
  let word = "";
  let at = start;
  while (at < text.length && !/\s/.test(text.charAt(at))) {
    piece.lastIndex = at;
    const match = piece.exec(text);
    if (match === null) return undefined;
    const [, single, double, escaped, variable, plain] = match;
    if (double !== undefined) {
      if (!areKnown(double) || !isHarmless(double, /["$`\\]/)) return undefined;
      // A shell's double quotes have two escapes more than Docker's: what means itself there is written plainly.
      word += double.replaceAll(/\\(.)/gs, (whole, character: string) =>
        character === "`" ? character : /["\\$]/.test(character) ? whole : `\\\\${character}`,
      );
    } else if (variable !== undefined) {
      if (!areKnown(variable)) return undefined;
      word += variable;
    } else {
      const part = single ?? escaped ?? plain ?? "";
      if (!isHarmless(part, single === undefined ? /[^\w+,./:@%=-]/ : /'/)) return undefined;
      word += part.replaceAll(/[\\"$]/g, "\\$&");
    }
    at = piece.lastIndex;
  }
  return { text: marks.replace(word, (name) => `\${${marks.variable(name)}}`), end: at };
}
