// A word of a Dockerfile in which variables, quotes and the escape character mean something: `--from=$BASE`,
// `ENV PATH="/opt/bin:${PATH}"`. What a variable is worth is not known here.

/** What stands behind the name in `${name:-word}`, or before the pattern that is cut off in `${name%pattern}`. */
export type Operator = ":-" | "-" | ":+" | "+" | ":?" | "?" | "#" | "##" | "%" | "%%";

export type WordPart =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "variable";
      readonly name: string;
      readonly operator: Operator | undefined;
      readonly word: Word;
    };

/** Neighbouring texts are one part, and no text is empty. */
export type Word = readonly WordPart[];

export type ReadWord =
  | { readonly word: Word; readonly problem?: undefined }
  | { readonly word?: undefined; readonly problem: string; readonly at: number };

const maxDepth = 16;

/** Reads a word with its quotes. @param escape `\`, or what the directive `escape` says */
export function readWord(text: string, escape: string): ReadWord {
  const reader = new WordReader(text, escape);
  const word = reader.read(undefined, 0);
  return reader.problem === undefined ? { word } : reader.problem;
}

/** The word when there is no variable in it. */
export function plainText(word: Word): string | undefined {
  if (word.length === 0) return "";
  const [part] = word;
  return word.length === 1 && part?.kind === "text" ? part.text : undefined;
}

export const textWord = (text: string): Word => (text === "" ? [] : [{ kind: "text", text }]);

/** The names of the variables in a word, those in other variables' words too. */
export function variablesOf(word: Word): string[] {
  return word.flatMap((part) =>
    part.kind === "text" ? [] : [part.name, ...variablesOf(part.word)],
  );
}

class WordReader {
  problem: { readonly problem: string; readonly at: number } | undefined;
  private readonly text: string;
  private readonly escape: string;
  private at = 0;

  constructor(text: string, escape: string) {
    this.text = text;
    this.escape = escape;
  }

  /** Up to the `end` character, which is taken, or the end of the text. */
  read(end: "}" | undefined, depth: number): Word {
    const parts: WordPart[] = [];
    let literal = "";
    let quote = "";
    const start = this.at;
    const flush = () => {
      if (literal !== "") parts.push({ kind: "text", text: literal });
      literal = "";
    };
    while (this.at < this.text.length && this.problem === undefined) {
      const character = this.text.charAt(this.at);
      const next = this.text.charAt(this.at + 1);
      if (quote === "'") {
        if (character === "'") quote = "";
        else literal += character;
        this.at++;
      } else if (quote === "" && character === end) {
        this.at++;
        flush();
        return parts;
      } else if (character === '"' || (character === "'" && quote === "")) {
        quote = quote === "" ? character : "";
        this.at++;
      } else if (character === this.escape) {
        // Between double quotes only these can be escaped; elsewhere everything.
        const isEscape = quote === "" || next === '"' || next === "$" || next === this.escape;
        literal += isEscape ? next : character;
        this.at += isEscape ? 2 : 1;
      } else if (character === "$") {
        const variable = this.variable(depth);
        if (variable === undefined) literal += "$";
        else {
          flush();
          parts.push(variable);
        }
      } else {
        literal += character;
        this.at++;
      }
    }
    if (quote !== "") this.fail(`a ${quote} is not closed`, start);
    else if (end !== undefined) this.fail("a ${ is not closed", start);
    flush();
    return parts;
  }

  private variable(depth: number): WordPart | undefined {
    const start = this.at++;
    const head = this.text.charAt(this.at);
    if (head !== "{") {
      const name = this.name();
      return name === "" ? undefined : { kind: "variable", name, operator: undefined, word: [] };
    }
    this.at++;
    const name = this.name();
    if (name === "") {
      this.fail("there is no name of a variable behind ${", start);
      return undefined;
    }
    if (this.text.charAt(this.at) === "}") {
      this.at++;
      return { kind: "variable", name, operator: undefined, word: [] };
    }
    const operator = /:?[-+?]|##?|%%?/y;
    operator.lastIndex = this.at;
    const found = operator.exec(this.text)?.[0];
    if (found === undefined) {
      this.fail("only - + ? # and % are known behind the name of a variable", start);
      return undefined;
    }
    if (depth >= maxDepth) {
      this.fail("variables are nested too deeply", start);
      return undefined;
    }
    this.at += found.length;
    const word = this.read("}", depth + 1);
    return { kind: "variable", name, operator: found as Operator, word };
  }

  private name(): string {
    const name = /[A-Za-z_]\w*/y;
    name.lastIndex = this.at;
    // Without a name, as in `$1` and `$?`, the dollar is nothing to a Dockerfile and stays.
    const found = name.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private fail(problem: string, at: number): void {
    this.problem ??= { problem, at };
  }
}
