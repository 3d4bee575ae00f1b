// Where the simple commands of a shell script stand, and what `set -x` will print for each. This is a reader for
// messages, not a shell: where it is wrong, a message names a worse place and nothing else happens.

/** Stretches of text that occur in this order, with anything between two of them: expansions and patterns. */
export type Pattern = readonly string[];

export interface ShellCommand {
  /** The line of the script on which the command starts, from 1. */
  readonly line: number;
  /** What is traced. */
  readonly pattern: Pattern;
}

/** Text as the trace and the script have it in common: shells differ in how they quote what they print. */
export function plain(text: string): string {
  return text
    .replaceAll(/['"\\]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

const keywords = new Set(
  "if then elif else fi while until do done { } ! time case esac in for select function".split(" "),
);
/** What follows these on their line is no command. */
const headers = new Set(["case", "for", "select", "function"]);

/** The simple commands, also those in functions and substitutions, in the order in which they start. */
export function shellCommands(script: string): ShellCommand[] {
  return new Scanner(script, 1).scan().toSorted((a, b) => a.line - b.line);
}

interface Word {
  readonly line: number;
  /** Literal stretches; an expansion lies between two of them. */
  readonly parts: readonly string[];
  /** As it is written. */
  readonly text: string;
}

class Scanner {
  readonly #text: string;
  readonly #commands: ShellCommand[] = [];
  #at = 0;
  #line: number;
  #words: Word[] = [];
  #heredocs: { readonly end: string; readonly tabs: boolean }[] = [];
  #inHeader = false;

  constructor(text: string, firstLine: number) {
    this.#text = text;
    this.#line = firstLine;
  }

  scan(): ShellCommand[] {
    while (this.#at < this.#text.length) this.#step();
    this.#end();
    return this.#commands;
  }

  #step(): void {
    const character = this.#text[this.#at] ?? "";
    if (character === "\n") {
      this.#end();
      this.#at++;
      this.#line++;
      this.#skipHeredocs();
    } else if (this.#text.startsWith("\\\n", this.#at)) {
      this.#at += 2;
      this.#line++;
    } else if (/\s/.test(character)) this.#at++;
    else if (character === "#") this.#skipTo("\n");
    else if (character === "<" || character === ">") this.#redirection();
    else if (character === "(" && this.#words.length === 1 && !this.#inHeader) {
      // `name()` begins a function.
      this.#words = [];
      this.#at++;
    } else if (";&|()".includes(character)) {
      this.#end();
      this.#at++;
    } else this.#take(this.#word());
  }

  #take(word: Word): void {
    // A number or {name} right before a redirection names what is redirected.
    if (/^[\d{]/.test(word.text) && "<>".includes(this.#text[this.#at] ?? " ")) return;
    if (this.#inHeader) return;
    if (this.#words.length === 0 && keywords.has(word.text)) {
      this.#inHeader = headers.has(word.text);
    } else this.#words.push(word);
  }

  #end(): void {
    const words = this.#words;
    this.#words = [];
    this.#inHeader = false;
    const [first] = words;
    if (first === undefined) return;
    this.#commands.push({ line: first.line, pattern: patternOf(words) });
    // dash prints assignments together with the command, bash each by itself.
    const found = words.findIndex(({ text }) => !/^\w+\+?=/.test(text));
    const assignments = found < 0 ? words : words.slice(0, found);
    const command = words.slice(assignments.length);
    if (assignments.length === 0 || words.length === 1) return;
    for (const word of assignments) {
      this.#commands.push({ line: word.line, pattern: patternOf([word]) });
    }
    if (command.length > 0) this.#commands.push({ line: first.line, pattern: patternOf(command) });
  }

  #redirection(): void {
    const operator = /^(?:<<<|<<-?|<>|>>|>\||[<>]&|[<>])/.exec(
      this.#text.slice(this.#at, this.#at + 3),
    );
    const sign = operator?.[0] ?? "<";
    this.#at += sign.length;
    // Process substitution: its commands are found like others.
    if (this.#text[this.#at] === "(") return;
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++;
    if (/[\s;&|()<>]/.test(this.#text[this.#at] ?? " ")) return;
    const target = this.#word();
    if (sign === "<<" || sign === "<<-") {
      this.#heredocs.push({ end: plain(target.text), tabs: sign === "<<-" });
    }
  }

  #skipHeredocs(): void {
    for (const { end, tabs } of this.#heredocs) {
      while (this.#at < this.#text.length) {
        const start = this.#at;
        this.#skipTo("\n");
        const line = this.#text.slice(start, this.#at);
        this.#at++;
        this.#line++;
        if ((tabs ? line.replace(/^\t+/, "") : line) === end) break;
      }
    }
    this.#heredocs = [];
  }

  #word(): Word {
    const line = this.#line;
    const start = this.#at;
    const parts = [""];
    const add = (text: string): void => {
      parts.push((parts.pop() ?? "") + text);
    };
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] ?? "";
      if (/[\s;&|()<>]/.test(character)) break;
      if (character === "'") add(this.#singleQuoted());
      else if (character === '"') {
        this.#at++;
        while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
          this.#character(add, parts);
        }
        this.#at++;
      } else if ("*?[]~{}".includes(character)) {
        this.#at++;
        add(character);
      } else this.#character(add, parts);
    }
    const text = this.#text.slice(start, this.#at);
    return { line, parts: hidesPattern(text) ? [patternHead(parts), ""] : parts, text };
  }

  /** What means the same inside double quotes and outside of any. */
  #character(add: (text: string) => void, parts: string[]): void {
    const character = this.#text[this.#at] ?? "";
    if (character === "\\") {
      const next = this.#text[this.#at + 1] ?? "";
      if (next === "\n") this.#line++;
      else add(next);
      this.#at += 2;
    } else if (character === "$" || character === "`") {
      this.#expansion();
      parts.push("");
    } else {
      if (character === "\n") this.#line++;
      add(character);
      this.#at++;
    }
  }

  #singleQuoted(): string {
    const start = ++this.#at;
    this.#skipTo("'");
    return this.#text.slice(start, this.#at++);
  }

  /** Steps over an expansion, and notes the commands of one that has some. */
  #expansion(): void {
    const firstLine = this.#line;
    const rest = this.#text.slice(this.#at, this.#at + 3);
    if (rest.startsWith("`")) {
      const start = ++this.#at;
      this.#skipTo("`");
      this.#within(this.#text.slice(start, this.#at++), firstLine);
    } else if (rest.startsWith("$(")) {
      this.#at++;
      const inner = this.#balanced("(", ")");
      if (rest !== "$((") this.#within(inner, firstLine);
    } else if (rest.startsWith("${")) {
      this.#at++;
      this.#balanced("{", "}");
    } else if (rest.startsWith("$'")) {
      this.#at++;
      this.#singleQuoted();
    } else {
      this.#at +=
        /^\$(?:\w+|[@*#?!$-])?/.exec(this.#text.slice(this.#at, this.#at + 200))?.[0].length ?? 1;
    }
  }

  #within(script: string, firstLine: number): void {
    this.#commands.push(...new Scanner(script, firstLine).scan());
  }

  /** The text between two brackets, from the first of which we start; steps over the second. */
  #balanced(open: string, close: string): string {
    const start = this.#at + 1;
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] ?? "";
      if (character === "\n") this.#line++;
      else if (character === "\\") {
        if (this.#text[++this.#at] === "\n") this.#line++;
      } else if (character === "'" && open === "(") {
        this.#at++;
        this.#skipTo("'");
      } else if (character === open) depth++;
      else if (character === close && --depth === 0) break;
    }
    return this.#text.slice(start, this.#at++);
  }

  /** Goes to the next such character, or to the end. */
  #skipTo(character: string): void {
    const next = this.#text.indexOf(character, this.#at);
    const end = next < 0 ? this.#text.length : next;
    this.#line += this.#text.slice(this.#at, end).split("\n").length - 1;
    this.#at = end;
  }
}

/** Whether the shell may turn the word into others: file name patterns, braces, a home folder. */
function hidesPattern(text: string): boolean {
  const unquoted = text.replaceAll(/'[^']*'|"[^"]*"|\\./g, "");
  return /[*?]|\[.+\]|\{.*,.*\}|^~/.test(unquoted);
}

function patternHead(parts: readonly string[]): string {
  return /^[^*?[{~]*/.exec(parts[0] ?? "")?.[0] ?? "";
}

function patternOf(words: readonly Word[]): Pattern {
  const parts: string[] = [""];
  for (const [index, word] of words.entries()) {
    const [first = "", ...others] = word.parts;
    parts.push(`${parts.pop() ?? ""}${index > 0 ? " " : ""}${first}`, ...others);
  }
  // Of a command of several lines, the trace's first line is compared.
  const broken = parts.findIndex((part) => part.includes("\n"));
  const compared =
    broken < 0 ? parts : [...parts.slice(0, broken), parts[broken]?.split("\n", 1)[0] ?? "", ""];
  return compared.map((part) => plain(part));
}
