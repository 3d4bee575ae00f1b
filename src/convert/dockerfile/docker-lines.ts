// The lines of a Dockerfile: directives at its top, comments, lines that go on, and heredocs.

import type { Location } from "../../model/location.ts";
import type { Heredoc, Part } from "./dockerfile.ts";

/** An instruction with all that belongs to it, comments taken out. */
export class LogicalLine {
  /** The lines joined, without what joins them. */
  readonly text: string;
  readonly pieces: readonly Piece[];
  readonly heredocs: readonly Heredoc[];
  private readonly file: string;
  /** Whether some characters count as two in JavaScript. */
  private readonly isWide: boolean;

  constructor(file: string, pieces: readonly Piece[], heredocs: readonly Heredoc[]) {
    this.file = file;
    this.pieces = pieces;
    this.heredocs = heredocs;
    this.text = pieces.map(({ text }) => text).join("");
    this.isWide = /[\ud800-\udbff]/.test(this.text);
  }

  /** Where a part of the text stands. What goes over several lines is shown up to the end of its first. */
  location(start: number, end: number): Location {
    let piece = this.pieces[0];
    let low = 0;
    let high = this.pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const candidate = this.pieces[middle];
      if (candidate !== undefined && candidate.at <= start) {
        piece = candidate;
        low = middle + 1;
      } else high = middle;
    }
    const { at = 0, text = "", line = 1, column = 1 } = piece ?? {};
    const until = Math.min(end, at + text.length);
    return {
      file: this.file,
      line,
      column: column + this.characters(text, start - at),
      length:
        this.characters(text, Math.max(start, until) - at) - this.characters(text, start - at),
    };
  }

  private readonly counts = new Map<string, Uint32Array>();

  /** How many characters there are before the offset. Asked for every word, so they are not counted again each time. */
  private characters(text: string, offset: number): number {
    if (!this.isWide) return offset;
    let counts = this.counts.get(text);
    if (counts === undefined) {
      counts = new Uint32Array(text.length + 1);
      for (let at = 0; at < text.length; at++) {
        const isSecond =
          at > 0 &&
          /[\udc00-\udfff]/.test(text.charAt(at)) &&
          /[\ud800-\udbff]/.test(text.charAt(at - 1));
        counts[at + 1] = (counts[at] ?? 0) + (isSecond ? 0 : 1);
      }
      this.counts.set(text, counts);
    }
    return counts[offset] ?? 0;
  }
}

interface Piece {
  readonly text: string;
  /** Where it starts in the joined text. */
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

export interface DockerLines {
  /** `\`, or what the directive says. */
  readonly escape: string;
  readonly lines: readonly LogicalLine[];
  /** What the directive `syntax` names. */
  readonly frontend: Part | undefined;
  readonly problems: readonly LineProblem[];
}

export interface LineProblem {
  readonly code: string;
  readonly message: string;
  readonly location: Location;
  readonly hint: string;
}

const directive = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;

/** Cuts the text into instructions. Time is linear in its length. */
export function dockerLines(file: string, source: string): DockerLines {
  const raw = source.replace(/^\ufeff/, "").split(/\r?\n/);
  const problems: LineProblem[] = [];
  const lines: LogicalLine[] = [];
  let escape = "\\";
  let at = 0;
  let frontend: Part | undefined;
  const seen = new Set<string>();
  for (; at < raw.length; at++) {
    const [, name = "", value = ""] = directive.exec(raw[at]?.trim() ?? "") ?? [];
    const key = name.toLowerCase();
    if (!["escape", "syntax", "check"].includes(key) || seen.has(key)) break;
    seen.add(key);
    const location = { file, line: at + 1, column: 1, length: Array.from(raw[at] ?? "").length };
    if (key === "syntax") frontend = { text: value, location };
    if (key !== "escape") continue;
    if (value === "\\" || value === "`") escape = value;
    else {
      problems.push({
        code: "convert/syntax",
        message: "the escape character can only be \\ or `",
        location,
        hint: "write # escape=\\ or # escape=`",
      });
    }
  }
  const goesOn = escape === "\\" ? /(?:^|[^\\])(\\[ \t]*)$/ : /(?:^|[^`])(`[ \t]*)$/;
  while (at < raw.length) {
    const first = (raw[at] ?? "").trimStart();
    if (first === "" || first.startsWith("#")) {
      at++;
      continue;
    }
    const pieces: Piece[] = [];
    let length = 0;
    for (; at < raw.length; at++) {
      const whole = raw[at] ?? "";
      const isFirst = pieces.length === 0;
      const trimmed = whole.trimStart();
      if (!isFirst && (trimmed === "" || trimmed.startsWith("#"))) continue;
      const shown = isFirst ? trimmed : whole;
      const end = goesOn.exec(shown.trimEnd())?.[1];
      const text = end === undefined ? shown.trimEnd() : shown.trimEnd().slice(0, -end.length);
      const column = isFirst ? Array.from(whole).length - Array.from(trimmed).length + 1 : 1;
      pieces.push({ text, at: length, line: at + 1, column });
      length += text.length;
      if (end === undefined) {
        at++;
        break;
      }
    }
    const line = new LogicalLine(file, pieces, []);
    const openings = /^(?:run|copy|add)\s/i.test(line.text) ? heredocsOf(line.text) : [];
    const heredocs: Heredoc[] = [];
    for (const opening of openings) {
      const body = heredocBody(raw, at, opening);
      if (body === undefined) {
        problems.push({
          code: "convert/open-heredoc",
          message: `the heredoc ${opening.delimiter} has no end`,
          location: line.location(opening.start, opening.end),
          hint: `end it with a line that is ${opening.delimiter} alone`,
        });
        break;
      }
      heredocs.push({ delimiter: opening.delimiter, expands: opening.expands, text: body.text });
      at = body.next;
    }
    lines.push(heredocs.length === 0 ? line : new LogicalLine(file, pieces, heredocs));
  }
  return { escape, lines, frontend, problems };
}

interface Opening {
  readonly delimiter: string;
  readonly expands: boolean;
  readonly stripsTabs: boolean;
  readonly start: number;
  readonly end: number;
}

/** A word outside of quotes, with its quoted parts. */
const wordWithQuotes = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+|\S/gs;
const opening = /^\d*<<(-?)(?:"([^"<\s]+)"|'([^'<\s]+)'|([^"'<\s]+))$/;

function heredocsOf(text: string): Opening[] {
  if (!text.includes("<<")) return [];
  const found: Opening[] = [];
  for (const match of text.matchAll(wordWithQuotes)) {
    const [, dash, double, single, bare] = opening.exec(match[0]) ?? [];
    const delimiter = double ?? single ?? bare;
    if (delimiter === undefined) continue;
    found.push({
      delimiter,
      expands: bare !== undefined,
      stripsTabs: dash === "-",
      start: match.index,
      end: match.index + match[0].length,
    });
  }
  return found;
}

function heredocBody(raw: readonly string[], from: number, { delimiter, stripsTabs }: Opening) {
  const lines: string[] = [];
  for (let at = from; at < raw.length; at++) {
    const whole = raw[at] ?? "";
    const line = stripsTabs ? whole.replace(/^\t+/, "") : whole;
    if (line === delimiter) return { text: lines.join(""), next: at + 1 };
    lines.push(`${line}\n`);
  }
  return undefined;
}
