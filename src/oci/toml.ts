// As much of TOML 1.0 as configuration files of containers use: tables and lists of tables, strings of all four kinds,
// booleans, numbers, lists and inline tables. Dates and numbers that are no plain decimals come as their text.

export type TomlValue = string | number | boolean | TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

const space = /[ \t]*/y;
const emptyLines = /(?:[ \t\r\n]|#[^\n]*)*/y;
const bareKey = /[A-Za-z0-9_-]+/y;
const endOfLine = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
const scalar = /[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?/y;
const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\u001b",
  '"': '"',
  "\\": "\\",
};
const maxDepth = 50;

const table = (): TomlTable => Object.create(null) as TomlTable;
const isTable = (value: TomlValue | undefined): value is TomlTable =>
  typeof value === "object" && !Array.isArray(value);

/** The tables of a TOML text. Throws a plain error with the line for what it can't read. */
export function parseToml(text: string): TomlTable {
  const parser = new Parser(text);
  const root = table();
  let at = root;
  for (parser.skip(emptyLines); !parser.isAtEnd; parser.skip(emptyLines)) {
    if (parser.take("[[")) {
      const path = parser.keys();
      parser.expect("]]");
      const list = parser.descend(root, path.slice(0, -1));
      const key = path.at(-1) ?? "";
      const existing = list[key];
      at = table();
      if (existing === undefined) list[key] = [at];
      else if (Array.isArray(existing)) existing.push(at);
      else parser.fail(`${key} is no list of tables`);
    } else if (parser.take("[")) {
      const path = parser.keys();
      parser.expect("]");
      at = parser.descend(root, path);
    } else parser.assignTo(at);
    parser.lineEnd();
  }
  return root;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  fail(why: string): never {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    throw new Error(`line ${line}: ${why}`);
  }

  skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  expect(token: string): void {
    this.skip(space);
    if (!this.take(token)) this.fail(`${JSON.stringify(token)} is missing`);
  }

  lineEnd(): void {
    endOfLine.lastIndex = this.#at;
    const found = endOfLine.exec(this.#text);
    if (found === null) this.fail("something stands after the value");
    else this.#at += found[0].length;
  }

  /** A key with dots. */
  keys(): string[] {
    const keys: string[] = [];
    do {
      this.skip(space);
      const quote = this.#text[this.#at];
      const key = quote === '"' || quote === "'" ? this.#string() : this.skip(bareKey);
      if (key === "" && quote !== '"' && quote !== "'") this.fail("a key is missing");
      keys.push(key);
      this.skip(space);
    } while (this.take("."));
    return keys;
  }

  /** The table below another; of a list of tables the last one. */
  descend(from: TomlTable, path: readonly string[]): TomlTable {
    let at = from;
    for (const key of path) {
      const found = (at[key] ??= table());
      const next = Array.isArray(found) ? found.at(-1) : found;
      if (!isTable(next)) this.fail(`${key} is no table`);
      at = next;
    }
    return at;
  }

  assignTo(to: TomlTable, depth = 0): void {
    const path = this.keys();
    this.expect("=");
    const key = path.pop() ?? "";
    const target = this.descend(to, path);
    if (target[key] !== undefined) this.fail(`${key} is said twice`);
    target[key] = this.#value(depth);
  }

  #value(depth: number): TomlValue {
    this.skip(space);
    if (depth > maxDepth) this.fail("values are nested too deep");
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") return this.#string();
    if (this.take("[")) return this.#list(depth);
    if (this.take("{")) return this.#inlineTable(depth);
    const text = this.skip(scalar);
    if (text === "true" || text === "false") return text === "true";
    if (!/^[+-]?[\dinI]/.test(text)) this.fail("a value is missing");
    return /^[+-]?\d(?:_?\d)*(?:\.\d+)?$/.test(text) ? Number(text.replaceAll("_", "")) : text;
  }

  #list(depth: number): TomlValue[] {
    const values: TomlValue[] = [];
    for (;;) {
      this.skip(emptyLines);
      if (this.take("]")) return values;
      values.push(this.#value(depth + 1));
      this.skip(emptyLines);
      if (!this.take(",") && this.#text[this.#at] !== "]") this.fail("a list has no end");
    }
  }

  #inlineTable(depth: number): TomlTable {
    const made = table();
    this.skip(space);
    if (this.take("}")) return made;
    do this.assignTo(made, depth + 1);
    while ((this.skip(space), this.take(",")));
    this.expect("}");
    return made;
  }

  #string(): string {
    const quote = this.#text[this.#at] ?? "";
    const isLong = this.take(quote.repeat(3));
    if (!isLong) this.take(quote);
    const end = isLong ? quote.repeat(3) : quote;
    if (isLong) this.skip(/\r?\n|/y);
    let text = "";
    while (!this.take(end)) {
      const character = this.#text[this.#at];
      if (character === undefined || (character === "\n" && !isLong)) {
        return this.fail("a string has no end");
      }
      this.#at++;
      text += character === "\\" && quote === '"' ? this.#escape(isLong) : character;
    }
    // Up to two quotes may stand before the closing three.
    return isLong ? text + this.skip(quote === '"' ? /"{0,2}/y : /'{0,2}/y) : text;
  }

  #escape(isLong: boolean): string {
    if (isLong && this.skip(/[ \t]*\r?\n\s*/y) !== "") return "";
    const letter = this.#text[this.#at++] ?? "";
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits === undefined) {
      return escapes[letter] ?? this.fail(`\\${letter} is no escape`);
    }
    const hex = this.#text.slice(this.#at, this.#at + digits);
    this.#at += digits;
    const code = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? parseInt(hex, 16) : -1;
    if (code < 0 || code > 0x10ffff) return this.fail(`\\${letter}${hex} is no character`);
    return String.fromCodePoint(code);
  }
}
