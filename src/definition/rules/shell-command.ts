import type { Section } from "../../model/definition.ts";
import type { Location } from "../../model/location.ts";

/** A word of a script and where it stands in the section's body. */
export interface ShellWord {
  /** Without its quotes. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** What stands before a program's name: assignments, and programs that start the one behind them. */
const leading = /^(?:[A-Za-z_]\w*=.*|sudo|env|exec|command|-[EHn])$/s;

const redirections: ReadonlySet<string | undefined> = new Set(
  "<<< << <<- &> &>> >> <> <& >& >| < >".split(" "),
);

/** Whether a word of a command is an operator that the name of a file follows. */
export function isRedirection(word: string | undefined): boolean {
  return redirections.has(word);
}

/** A command of a script. A long one has thousands, so what few of them are asked for is made when it is asked for. */
export class ShellCommand {
  /** The words without their quotes; redirections are words of their own (`>`), substitutions stay as they are. */
  readonly words: readonly string[];
  /** Whether it reads what another command writes. */
  readonly isPiped: boolean;
  /** The name behind assignments, redirections, `sudo` and `env`; empty when there is none. */
  readonly program: string;
  readonly #section: Section;
  readonly #programAt: number;
  readonly #starts: readonly number[];
  readonly #ends: readonly number[];

  /** @param words of the section, one at least */
  constructor(section: Section, words: readonly ShellWord[], isPiped: boolean) {
    this.words = words.map(({ value }) => value);
    this.isPiped = isPiped;
    this.#programAt = programIndex(this.words);
    this.program = this.words[this.#programAt] ?? "";
    this.#section = section;
    this.#starts = words.map(({ start }) => start);
    this.#ends = words.map(({ end }) => end);
  }

  /** The words behind the name of the program. */
  get rest(): readonly string[] {
    return this.words.slice(this.#programAt + 1);
  }

  /** The word at the index with its quotes. */
  written(index: number): string {
    return this.#section.body.slice(this.#starts[index], this.#ends[index]);
  }

  /** From the first word to the last one on its line. */
  get location(): Location {
    const start = this.#starts[0] ?? 0;
    const feed = this.#section.body.indexOf("\n", start);
    const last = this.#starts.findLastIndex((other) => other < feed || feed === -1);
    return this.#section.placeOf(start, this.#ends[last] ?? start);
  }
}

function programIndex(words: readonly string[]): number {
  let at = 0;
  for (;;) {
    if (leading.test(words[at] ?? "")) at++;
    else if (isRedirection(words[at])) at += 2;
    else return at;
  }
}
