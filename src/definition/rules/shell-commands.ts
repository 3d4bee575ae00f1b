// The commands of a shell script, as far as rules need them: words and where they stand. It follows quotes, comments,
// continued lines, heredocs and substitutions; it does not know what a command does, and what it can't follow it skips.

import type { Section } from "../../model/definition.ts";
import type { Location } from "../../model/location.ts";
import { characterCount } from "../character-count.ts";

export interface ShellCommand {
  /** The words without their quotes; redirections are words of their own (`>`), substitutions stay as they are. */
  readonly words: readonly string[];
  /** The same with their quotes. */
  readonly raw: readonly string[];
  /** Whether it reads what another command writes. */
  readonly isPiped: boolean;
  /** From the first word to the last one on its line. */
  readonly location: Location;
}

interface Word {
  readonly value: string;
  readonly raw: string;
  readonly start: number;
}

/** With the line that it stands on. */
interface PlacedWord extends Word {
  readonly line: number;
  readonly lineStart: number;
}

const keywords = new Set(["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"]);
const ending = /[\s;&|()<>]/;
/** What means only itself in a word. */
const plain = /[^\s;&|()<>\\'"`$]+/y;
const blanks = /[^\S\n]+/y;

/** The commands of a section, in order. Those of `for`, `case` and functions come with their own words. */
export function shellCommands(section: Section): readonly ShellCommand[] {
  let commands = known.get(section);
  if (commands === undefined) {
    commands = new ShellReader(section).read();
    known.set(section, commands);
  }
  return commands;
}

// Several rules ask for the same.
const known = new WeakMap<Section, readonly ShellCommand[]>();

class ShellReader {
  readonly #section: Section;
  readonly #text: string;
  readonly #commands: ShellCommand[] = [];
  readonly #heredocs: { delimiter: string; stripsTabs: boolean }[] = [];
  #at = 0;
  #line = 0;
  #lineStart = 0;
  /** Whether the last operator was a pipe. */
  #isPiped = false;
  /** Round brackets around commands that are open. */
  #depth = 0;
  /** How many commands there were where the pattern of a `case` may have begun. */
  #patternFrom: number | undefined;
  /** Words of the command that is being read. */
  readonly #words: PlacedWord[] = [];

  constructor(section: Section) {
    this.#section = section;
    this.#text = section.body;
  }

  read(): ShellCommand[] {
    while (this.#at < this.#text.length) this.#step();
    this.#endCommand();
    return this.#commands;
  }

  #step(): void {
    const character = this.#text[this.#at] ?? "";
    const next = this.#text[this.#at + 1] ?? "";
    if (character === "\n") this.#endLine();
    else if (character === "\\" && next === "\n") this.#continueLine();
    else if (/\s/.test(character)) this.#at += this.#lengthOf(blanks);
    else if (character === "#") this.#at = this.#lineEnd();
    else if ((character === "<" || character === ">") && next !== "(") this.#readRedirection();
    else if (this.#words.length === 0 && this.#text.startsWith("((", this.#at)) {
      const start = this.#at;
      const raw = this.#takeBalanced(start);
      this.#push({ value: raw, raw, start });
    } else if (/[;&|()]/.test(character)) this.#readOperator();
    else this.#readWord();
  }

  /** How long what the pattern, a sticky one, finds here is. */
  #lengthOf(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? pattern.lastIndex - this.#at : 0;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf("\n", this.#at);
    return end === -1 ? this.#text.length : end;
  }

  #continueLine(): void {
    this.#at += 2;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #endLine(): void {
    this.#endCommand();
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
    for (const { delimiter, stripsTabs } of this.#heredocs.splice(0)) {
      while (this.#at < this.#text.length) {
        const end = this.#lineEnd();
        const line = this.#text.slice(this.#at, end);
        this.#at = Math.min(end + 1, this.#text.length);
        this.#line++;
        this.#lineStart = this.#at;
        if ((stripsTabs ? line.replace(/^\t+/, "") : line) === delimiter) break;
      }
    }
  }

  #readOperator(): void {
    // `&>` is a redirection of bash, `>&` was read with its `>`.
    if (this.#text.startsWith("&>", this.#at)) {
      this.#readRedirection();
      return;
    }
    if (this.#text[this.#at] === ")" && this.#depth === 0) this.#endPattern();
    this.#endCommand();
    const [operator = ""] = /^(?:\|\||;;|.)/s.exec(this.#text.slice(this.#at, this.#at + 2)) ?? [];
    this.#isPiped = operator === "|";
    // Where a pattern begins, it opens nothing: `(a) …;;` is `a) …;;`.
    const isPattern = this.#patternFrom === this.#commands.length;
    if (operator === "(" && !isPattern) this.#depth++;
    else if (operator === ")") this.#depth = Math.max(0, this.#depth - 1);
    else if (operator === ";;") this.#patternFrom = this.#commands.length;
    this.#at += operator.length;
  }

  /** A bracket that nothing opened ends a pattern of `case`, in which `a|b` was taken for commands. */
  #endPattern(): void {
    if (this.#patternFrom === undefined) return;
    this.#words.splice(0);
    this.#commands.splice(this.#patternFrom);
    this.#patternFrom = undefined;
  }

  #readRedirection(): void {
    const [operator = "<"] = /^(?:<<<|<<-?|&>>?|>>|<>|[<>]&|>\||[<>])/.exec(
      this.#text.slice(this.#at, this.#at + 3),
    ) ?? ["<"];
    this.#push({ value: operator, raw: operator, start: this.#at });
    this.#at += operator.length;
    if (!/^<<-?$/.test(operator)) return;
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++;
    const word = this.#takeWord();
    this.#push(word);
    this.#heredocs.push({ delimiter: word.value, stripsTabs: operator === "<<-" });
  }

  #push(word: Word): void {
    this.#words.push({ ...word, line: this.#line, lineStart: this.#lineStart });
  }

  #readWord(): void {
    const line = this.#line;
    const lineStart = this.#lineStart;
    const word = this.#takeWord();
    // Patterns may follow on the line of the `case`.
    const [first, , third] = this.#words;
    if (first?.raw === "case" && third?.raw === "in") this.#endCommand();
    if (this.#words.length === 0 && keywords.has(word.raw)) return;
    this.#words.push({ ...word, line, lineStart });
  }

  #takeWord(): Word {
    const start = this.#at;
    let value = "";
    while (this.#at < this.#text.length) {
      const length = this.#lengthOf(plain);
      if (length > 0) {
        value += this.#text.slice(this.#at, (this.#at += length));
        continue;
      }
      const character = this.#text[this.#at] ?? "";
      const isArray = character === "(" && /^[A-Za-z_]\w*\+?=$/.test(value);
      const isProcess = this.#at === start && /^[<>]\($/.test(this.#text.slice(start, start + 2));
      if (isArray || isProcess) value += this.#takeBalanced(this.#at + (isProcess ? 1 : 0));
      else if (ending.test(character)) break;
      else value += this.#takePart(character);
    }
    return { value, raw: this.#text.slice(start, this.#at), start };
  }

  /** The next character of a word, or the quoted stretch or substitution that starts there. */
  #takePart(character: string): string {
    const next = this.#text[this.#at + 1] ?? "";
    if (character === "\\") {
      if (next === "\n") {
        this.#continueLine();
        return "";
      }
      this.#at += 2;
      return next;
    }
    if (character === "'") return this.#takeUntil("'");
    if (character === "`") return `\`${this.#takeUntil("`")}\``;
    if (character === '"') return this.#takeDoubleQuoted();
    if (character === "$" && (next === "(" || next === "{")) {
      return this.#takeBalanced(this.#at + 1);
    }
    this.#at++;
    return character;
  }

  #takeUntil(quote: string): string {
    const end = this.#text.indexOf(quote, this.#at + 1);
    const stop = end === -1 ? this.#text.length : end;
    const inside = this.#text.slice(this.#at + 1, stop);
    this.#passOver(stop + 1);
    return inside;
  }

  #takeDoubleQuoted(): string {
    const start = this.#at + 1;
    let at = start;
    while (at < this.#text.length && this.#text[at] !== '"') {
      if (this.#text[at] === "\\") at += 2;
      else if (this.#text.startsWith("$(", at)) at = this.#balancedEnd(at + 1);
      else at++;
    }
    const inside = this.#text.slice(start, at);
    this.#passOver(at + 1);
    return inside.replaceAll(/\\(["\\$`\n])/g, "$1");
  }

  /** From here to the bracket that closes the one at `open`. */
  #takeBalanced(open: number): string {
    const start = this.#at;
    this.#passOver(this.#balancedEnd(open));
    return this.#text.slice(start, this.#at);
  }

  #balancedEnd(open: number): number {
    const opening = this.#text[open] ?? "(";
    const closing = opening === "{" ? "}" : ")";
    let depth = 0;
    for (let at = open; at < this.#text.length; at++) {
      const character = this.#text[at];
      if (character === "\\") at++;
      else if (character === "'" && opening === "(") {
        const end = this.#text.indexOf("'", at + 1);
        at = end === -1 ? this.#text.length : end;
      } else if (character === opening) depth++;
      else if (character === closing && --depth === 0) return at + 1;
    }
    return this.#text.length;
  }

  /** Moves on, counting lines. */
  #passOver(to: number): void {
    const end = Math.min(to, this.#text.length);
    const passed = this.#text.slice(this.#at, end);
    for (let feed = passed.indexOf("\n"); feed !== -1; feed = passed.indexOf("\n", feed + 1)) {
      this.#line++;
      this.#lineStart = this.#at + feed + 1;
    }
    this.#at = end;
  }

  #endCommand(): void {
    const words = this.#words.splice(0);
    const [first] = words;
    if (first === undefined) return;
    const section = this.#section;
    const isPiped = this.#isPiped;
    this.#isPiped = false;
    this.#commands.push({
      isPiped,
      words: words.map(({ value }) => value),
      raw: words.map(({ raw }) => raw),
      // Most commands are fine, and counting characters takes long on a line with thousands of them.
      get location() {
        return locationOf(
          section,
          first,
          words.findLast(({ line }) => line === first.line),
        );
      },
    });
    if (first.raw === "esac") this.#patternFrom = undefined;
    if (first.raw === "case" && words.at(-1)?.raw === "in") {
      this.#patternFrom = this.#commands.length;
    }
  }
}

/** From the start of one word to the end of another, as far as that is on the same line. */
function locationOf(section: Section, first: PlacedWord, last: PlacedWord = first): Location {
  const [lastLine = ""] = last.raw.split("\n", 1);
  const { body, lines, location } = section;
  return {
    file: location.file,
    line: lines[first.line] ?? location.line,
    column: characterCount(body.slice(first.lineStart, first.start)) + 1,
    length: characterCount(body.slice(first.start, last.start + lastLine.length)),
  };
}

/** The words from the program's name on: without assignments and redirections before it, `sudo` and `env`. */
export function programWords({ words }: ShellCommand): readonly string[] {
  let at = 0;
  for (;;) {
    if (/^(?:[A-Za-z_]\w*=.*|sudo|env|exec|command|-[EHn])$/s.test(words[at] ?? "")) at++;
    else if (isRedirection(words[at])) at += 2;
    else return at === 0 ? words : words.slice(at);
  }
}

/** Whether a word of a command is an operator that the name of a file follows. */
export function isRedirection(word: string | undefined): boolean {
  return word !== undefined && /^(?:<<<|<<-?|&>>?|>>|<>|[<>]&|>\||[<>])$/.test(word);
}
