import { plain, shellCommands, type Pattern, type ShellCommand } from "./script-commands.ts";

/** Only so much of a traced command is compared: arguments can be long. */
const comparedCharacters = 1000;

interface Candidate {
  readonly index: number;
  readonly weight: number;
}

/**
 * Follows a script by what `set -x` prints on standard error, to tell where it was when it ended. The line numbers of
 * `PS4='$LINENO'` would say it outright, but Debian's dash has none, and a changed `PS4` would show in what the script
 * leaves in its log files.
 */
export class TraceFollower {
  readonly #commands: readonly ShellCommand[];
  readonly #name: string;
  #at = -1;
  #last: { readonly text: string; readonly line: number | undefined } | undefined;
  #complaint: { readonly line: number; readonly text: string } | undefined;

  /** @param name what the shell calls the script in its messages */
  constructor(script: string, name: string) {
    this.#commands = shellCommands(script);
    this.#name = name;
  }

  /** The command that was traced last, without the plus signs. */
  get command(): string | undefined {
    return this.#last?.text;
  }

  /**
   * The line of the script, from 1, on which it was at last, or undefined where that can't be told. A complaint of the
   * shell that gives a line, of a syntax error say, counts more than the command that was traced before.
   */
  get line(): number | undefined {
    return this.#complaint?.line ?? this.#last?.line;
  }

  /** Takes the next line of standard error. */
  take(line: string): void {
    // Both sides of a pipeline write at once, and the plus signs may meet.
    const traced = /^(?:\++ )+(.*)$/.exec(line);
    if (traced !== null) {
      const text = traced[1] ?? "";
      this.#complaint = undefined;
      this.#last = { text, line: this.#find(plain(text.slice(0, comparedCharacters))) };
      return;
    }
    const complaint = this.#complaintOf(line);
    if (complaint !== undefined) this.#complaint = complaint;
  }

  #find(text: string): number | undefined {
    const next = this.#commands[this.#at + 1];
    if (next !== undefined && weight(next.pattern) > 0 && matches(next.pattern, text)) {
      this.#at++;
      return next.line;
    }
    // An expansion with a line feed cuts the traced command short: then its beginning has to do.
    const best =
      this.#best((pattern) => (matches(pattern, text) ? weight(pattern) : undefined)) ??
      this.#best(([first = ""]) =>
        first !== "" && text.startsWith(first) ? first.length : undefined,
      );
    if (best === undefined) return undefined;
    this.#at = best;
    return this.#commands[best]?.line;
  }

  #best(judge: (pattern: Pattern) => number | undefined): number | undefined {
    let best: Candidate | undefined;
    for (const [index, { pattern }] of this.#commands.entries()) {
      const weight = judge(pattern);
      if (weight === undefined) continue;
      const candidate = { index, weight };
      if (best === undefined || this.#isBetter(candidate, best)) best = candidate;
    }
    return best?.index;
  }

  /** More in common is better; of equals, the next one ahead, then the nearest one behind. */
  #isBetter(a: Candidate, b: Candidate): boolean {
    if (a.weight !== b.weight) return a.weight > b.weight;
    const rank = (index: number): number =>
      index > this.#at ? index - this.#at : this.#commands.length + this.#at - index;
    return rank(a.index) < rank(b.index);
  }

  /** `FILE: 3: …` of dash, `FILE: line 3: …` of bash and busybox. */
  #complaintOf(line: string): { readonly line: number; readonly text: string } | undefined {
    if (!line.startsWith(`${this.#name}: `)) return undefined;
    const match = /^(?:line )?(\d+): (.*)$/.exec(line.slice(this.#name.length + 2));
    return match === null ? undefined : { line: Number(match[1]), text: match[2] ?? "" };
  }
}

/** How much of a pattern is literal. */
function weight(pattern: Pattern): number {
  return pattern.reduce((sum, part) => sum + part.length, 0);
}

/** Whether the parts occur in the text in this order, the first at its start and the last at its end. */
function matches(pattern: Pattern, text: string): boolean {
  const first = pattern[0] ?? "";
  const last = pattern.at(-1) ?? "";
  if (pattern.length === 1) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of pattern.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at;
}
