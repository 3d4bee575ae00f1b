// The commands of a shell script, as far as rules need them: words and where they stand. It follows quotes, comments,
// continued lines, heredocs and substitutions; it does not know what a command does, and what it can't follow it skips.

import type { Section } from "../../model/definition.ts";
import { ShellCommand, type ShellWord } from "./shell-command.ts";

const keywords = new Set(["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"]);
/** The blanks of a shell, and what is taken for one here. */
const blanks = " \t\r\v\f";
const ending = `${blanks}\n;&|()<>`;
/** By its code, whether a character means more than itself in a word. */
const special = new Uint8Array(0x80);
for (const character of `${ending}\\'"\`$`) special[character.charCodeAt(0)] = 1;
/** What means only itself in double quotes. */
const quoted = /[^"\\$]+/y;

/** Whether the word is the text, without quotes. */
const says = (word: ShellWord | undefined, text: string): boolean =>
  word?.value === text && word.end - word.start === text.length;

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
  /** Whether the last operator was a pipe. */
  #isPiped = false;
  /** Round brackets around commands that are open. */
  #depth = 0;
  /** How many commands there were where the pattern of a `case` may have begun. */
  #patternFrom: number | undefined;
  /** Words of the command that is being read. */
  #words: ShellWord[] = [];

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
    if (blanks.includes(character)) this.#at++;
    else if (character === "\n") this.#endLine();
    else if (character === "\\" && next === "\n") this.#at += 2;
    else if (character === "#") this.#at = this.#lineEnd();
    else if ((character === "<" || character === ">") && next !== "(") this.#readRedirection();
    else if (this.#words.length === 0 && this.#text.startsWith("((", this.#at)) {
      const start = this.#at;
      const value = this.#takeBalanced(start);
      this.#words.push({ value, start, end: this.#at });
    } else if (";&|()".includes(character)) this.#readOperator();
    else this.#readWord();
  }

  /** Where what the pattern, a sticky one, finds at the offset ends. */
  #endOf(pattern: RegExp, at: number): number {
    pattern.lastIndex = at;
    return pattern.test(this.#text) ? pattern.lastIndex : at;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf("\n", this.#at);
    return end === -1 ? this.#text.length : end;
  }

  #endLine(): void {
    this.#endCommand();
    this.#at++;
    if (this.#heredocs.length === 0) return;
    for (const { delimiter, stripsTabs } of this.#heredocs.splice(0)) {
      while (this.#at < this.#text.length) {
        const end = this.#lineEnd();
        const line = this.#text.slice(this.#at, end);
        this.#at = Math.min(end + 1, this.#text.length);
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
    const two = this.#text.slice(this.#at, this.#at + 2);
    const operator = two === "||" || two === ";;" ? two : two.charAt(0);
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
    this.#words = [];
    this.#commands.splice(this.#patternFrom);
    this.#patternFrom = undefined;
  }

  #readRedirection(): void {
    const [operator = "<"] = /^(?:<<<|<<-?|&>>?|>>|<>|[<>]&|>\||[<>])/.exec(
      this.#text.slice(this.#at, this.#at + 3),
    ) ?? ["<"];
    const start = this.#at;
    this.#at += operator.length;
    this.#words.push({ value: operator, start, end: this.#at });
    if (!/^<<-?$/.test(operator)) return;
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++;
    const word = this.#takeWord();
    this.#words.push(word);
    this.#heredocs.push({ delimiter: word.value, stripsTabs: operator === "<<-" });
  }

  #readWord(): void {
    const word = this.#takeWord();
    // Patterns may follow on the line of the `case`.
    const [first, , third] = this.#words;
    if (says(first, "case") && says(third, "in")) this.#endCommand();
    if (this.#words.length === 0 && keywords.has(word.value) && says(word, word.value)) return;
    this.#words.push(word);
  }

  #takeWord(): ShellWord {
    const start = this.#at;
    let value = "";
    while (this.#at < this.#text.length) {
      const from = this.#at;
      this.#passPlain();
      value += this.#text.slice(from, this.#at);
      const character = this.#text[this.#at] ?? "";
      const isArray = character === "(" && /^[A-Za-z_]\w*\+?=$/.test(value);
      const isProcess = this.#at === start && /^[<>]\($/.test(this.#text.slice(start, start + 2));
      if (isArray || isProcess) value += this.#takeBalanced(this.#at + (isProcess ? 1 : 0));
      else if (ending.includes(character)) break;
      else value += this.#takePart(character);
    }
    return { value, start, end: Math.min(this.#at, this.#text.length) };
  }

  /** To the next character that means more than itself. */
  #passPlain(): void {
    const { length } = this.#text;
    let at = this.#at;
    while (at < length && special[this.#text.charCodeAt(at)] !== 1) at++;
    this.#at = at;
  }

  /** The next character of a word, or the quoted stretch or substitution that starts there. */
  #takePart(character: string): string {
    const next = this.#text[this.#at + 1] ?? "";
    if (character === "\\") {
      this.#at += 2;
      return next === "\n" ? "" : next;
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
    this.#at = Math.min(stop + 1, this.#text.length);
    return inside;
  }

  #takeDoubleQuoted(): string {
    const start = this.#at + 1;
    let at = start;
    while (at < this.#text.length && this.#text[at] !== '"') {
      if (this.#text[at] === "\\") at += 2;
      else if (this.#text.startsWith("$(", at)) at = this.#balancedEnd(at + 1);
      else at = this.#endOf(quoted, at + 1);
    }
    const inside = this.#text.slice(start, at);
    this.#at = Math.min(at + 1, this.#text.length);
    return inside.replaceAll(/\\(["\\$`\n])/g, "$1");
  }

  /** From here to the bracket that closes the one at `open`. */
  #takeBalanced(open: number): string {
    const start = this.#at;
    this.#at = this.#balancedEnd(open);
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

  #endCommand(): void {
    const words = this.#words;
    const [first] = words;
    if (first === undefined) return;
    this.#words = [];
    this.#commands.push(new ShellCommand(this.#section, words, this.#isPiped));
    this.#isPiped = false;
    if (says(first, "esac")) this.#patternFrom = undefined;
    if (says(first, "case") && says(words.at(-1), "in")) {
      this.#patternFrom = this.#commands.length;
    }
  }
}
