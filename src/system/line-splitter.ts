import { StringDecoder } from "node:string_decoder";

/** A program that never ends a line must not fill our memory: longer lines are handed on in pieces. */
const longestLineBytes = 1 << 20;

/** Cuts a stream of bytes into lines of text (UTF-8, without their line feed, a CR before it dropped). */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(bytes: Buffer): void {
    this.#take(this.#decoder.write(bytes));
  }

  /** Hands on what follows the last line feed. */
  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== "") this.#onLine(this.#rest);
    this.#rest = "";
  }

  #take(text: string): void {
    const lines = text.split("\n");
    const last = lines.pop() ?? "";
    for (const line of lines) {
      const whole = this.#rest + line;
      this.#rest = "";
      this.#onLine(whole.endsWith("\r") ? whole.slice(0, -1) : whole);
    }
    this.#rest += last;
    if (this.#rest.length > longestLineBytes) {
      this.#onLine(this.#rest);
      this.#rest = "";
    }
  }
}
