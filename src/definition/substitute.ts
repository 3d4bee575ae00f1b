import type { Replacement } from "./source-text.ts";
import type { Span } from "./read-stage.ts";

/** What stands for a value in a definition. The white space is that of Go's `\s`. */
const placeholder = /\{\{[\t\n\f\r ]*([0-9A-Za-z_]+)[\t\n\f\r ]*\}\}/g;

/** A `#` that starts what Apptainer takes for a comment when it looks for placeholders. */
const commentStart = /#[^!]/g;

/** How long a text may become. Nobody writes as much, but a few lines of arguments that multiply can ask for it. */
export const maxLength = 64 * 1024 * 1024;

export interface Substitution {
  readonly text: string;
  readonly replacements: readonly Replacement[];
  /** The names whose placeholders in the text were filled in. */
  readonly used: ReadonlySet<string>;
  /** The first placeholder of each name that has no value. */
  readonly missing: readonly (Span & { readonly name: string })[];
  /** The text became longer than `maxLength` and was not finished. */
  readonly isTooLong: boolean;
}

/**
 * Fills in the placeholders `{{ name }}` of a stage, as Apptainer 1.4.5 does it.
 *
 * A placeholder in what looks like a comment stays: when between the start of its line, or the end of the last value
 * that was filled in on it, and the placeholder there is a `#` with anything but `!` behind it. Shell quoting does not
 * matter. Placeholders inside a value are filled in too, but only once (`expandOnce`), and stay when there is no value for
 * them.
 */
export function substitute(text: string, values: ReadonlyMap<string, string>): Substitution {
  const parts: string[] = [];
  const replacements: Replacement[] = [];
  const used = new Set<string>();
  const missing = new Map<string, Span & { name: string }>();
  const expanded = new Map<string, string>();
  let length = 0;
  let isTooLong = false;
  /** Up to where the text is done. */
  let done = 0;
  /** From where a comment counts: the line's start or the end of the last value. */
  let from = 0;
  let nextFeed = text.indexOf("\n");
  let commentAt = -1;
  const add = (part: string) => {
    parts.push(part);
    length += part.length;
  };
  for (const match of text.matchAll(placeholder)) {
    const [image, name = ""] = match;
    const start = match.index;
    while (nextFeed !== -1 && nextFeed < start) {
      from = Math.max(from, nextFeed + 1);
      nextFeed = text.indexOf("\n", nextFeed + 1);
    }
    // Looked for once for each line and value, so that a comment full of placeholders takes no longer than others.
    if (commentAt < from) {
      commentStart.lastIndex = from;
      commentAt = commentStart.exec(text)?.index ?? text.length;
    }
    if (commentAt + 1 < start) continue;
    const value = values.get(name);
    if (value === undefined) {
      if (!missing.has(name)) missing.set(name, { name, start, end: start + image.length });
      continue;
    }
    used.add(name);
    const full = expanded.get(name) ?? expandOnce(value, values);
    if (full === undefined || length + full.length > maxLength) {
      isTooLong = true;
      break;
    }
    expanded.set(name, full);
    add(text.slice(done, start));
    const oldEnd = start + image.length;
    replacements.push({ start: length, end: length + full.length, oldStart: start, oldEnd });
    add(full);
    done = oldEnd;
    from = oldEnd;
  }
  add(text.slice(done));
  return {
    text: parts.join(""),
    replacements,
    used,
    missing: [...missing.values()],
    isTooLong,
  };
}

/**
 * The value with the placeholders in it filled in, which Apptainer does not count as a use of their names. It takes one
 * placeholder after the other and replaces every text like it, in what came before too: of `{{ a }}{{ b }}`, where a is
 * `{{ b }}`, nothing is left but the value of b.
 * @returns undefined when that would become too long, or take too long
 */
function expandOnce(value: string, values: ReadonlyMap<string, string>): string | undefined {
  const inside = [...value.matchAll(placeholder)];
  if (inside.length * value.length > 1e9) return undefined;
  let text = value;
  for (const [image, name = ""] of inside) {
    const inner = values.get(name);
    if (inner === undefined || !text.includes(image)) continue;
    const pieces = text.split(image);
    if (text.length + (pieces.length - 1) * inner.length > maxLength) return undefined;
    text = pieces.join(inner);
  }
  return text;
}
