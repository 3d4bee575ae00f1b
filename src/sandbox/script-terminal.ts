import { LineSplitter } from "../system/line-splitter.ts";
import { PseudoTerminal, type TerminalSize } from "../system/pseudo-terminal.ts";

/** The terminal of whoever builds, which can be lent to one script at a time. */
export interface LendableTerminal {
  /** Until it is disposed, what is typed and the size of the window go to the script. */
  lend(script: {
    readonly type: (bytes: Uint8Array) => void;
    readonly resize: (size: TerminalSize) => void;
  }): LentTerminal;
}

export interface LentTerminal extends Disposable {
  show(bytes: Uint8Array): void;
}

/** A script's terminal: what it prints is shown at once, and told line by line to whoever follows it. */
export class ScriptTerminal implements Disposable {
  readonly #pseudo: PseudoTerminal;
  readonly #lent: LentTerminal;
  readonly #lines: LineSplitter;

  /** @throws {HostError} `host/no-terminal` */
  constructor(terminal: LendableTerminal, onLine: (line: string) => void) {
    this.#lines = new LineSplitter((line) => onLine(line.replace(/\r$/, "")));
    // Nothing comes before this has returned.
    this.#pseudo = PseudoTerminal.open((bytes) => {
      this.#lent.show(bytes);
      this.#lines.write(bytes);
    });
    this.#lent = terminal.lend({
      type: (bytes) => this.#pseudo.type(bytes),
      resize: (size) => this.#pseudo.resize(size),
    });
  }

  /** As `PseudoTerminal.commandLine`. */
  commandLine(command: readonly string[]): string[] {
    return this.#pseudo.commandLine(command);
  }

  /** When the script has ended: all that it printed is shown and told then. */
  async drain(): Promise<void> {
    await this.#pseudo.drain();
    this.#lines.end();
  }

  [Symbol.dispose](): void {
    this.#pseudo[Symbol.dispose]();
    this.#lent[Symbol.dispose]();
  }
}
