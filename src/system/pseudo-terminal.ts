// A terminal without a device behind it (pty(7)): a program has one end, we have the other.
//
//   struct winsize   u16 rows | u16 columns | u16 width | u16 height in pixels

import { closeSync, constants, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { HostError } from "../model/error.ts";
import { cLibrary } from "./c-library.ts";

const setSize = 0x5414; // TIOCSWINSZ
/** What a program that has ended may still have written. */
const mostDrainMs = 1000;

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Disposing closes both ends. */
export class PseudoTerminal implements Disposable {
  readonly #path: string;
  readonly #ours: number;
  /** Held open, or the end would come before a program has its own. */
  #theirs: number | undefined;
  readonly #stream: ReadStream;
  readonly #ended: Promise<void>;

  private constructor(ours: number, path: string, onData: (bytes: Buffer) => void) {
    this.#path = path;
    this.#ours = ours;
    this.#theirs = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    this.#stream = new ReadStream(ours);
    this.#stream.on("data", onData);
    this.#ended = new Promise((resolve) => {
      // When nobody has the other end any more, the kernel answers EIO.
      this.#stream.once("error", () => resolve());
      this.#stream.once("close", () => resolve());
    });
  }

  /** @throws {HostError} `host/no-terminal` */
  static open(onData: (bytes: Buffer) => void): PseudoTerminal {
    const { libc } = cLibrary();
    const open = libc.func("posix_openpt", "int", ["int"]) as (flags: number) => number;
    const ready = ["grantpt", "unlockpt"].map(
      (name) => libc.func(name, "int", ["int"]) as (descriptor: number) => number,
    );
    const nameOf = libc.func("ptsname_r", "int", ["int", "void *", "uint64_t"]) as (
      descriptor: number,
      into: Buffer,
      length: number,
    ) => number;
    const closeOnExec = 0o2_000_000;
    const ours = open(constants.O_RDWR | constants.O_NOCTTY | closeOnExec);
    const name = Buffer.alloc(256);
    try {
      if (ours >= 0 && ready.every((step) => step(ours) === 0) && nameOf(ours, name, 256) === 0) {
        return new PseudoTerminal(ours, name.toString("latin1", 0, name.indexOf(0)), onData);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    if (ours >= 0) closeSync(ours);
    throw new HostError("host/no-terminal", "no terminal can be made for a script", {
      hint: "/dev/ptmx and /dev/pts have to be there; without --terminal none is needed",
    });
  }

  /**
   * The argument list that runs a command with this terminal, its own and for standard input, output and error. It has to
   * be started as the leader of a session, as what has a process group of its own is.
   */
  commandLine(command: readonly string[]): string[] {
    // Whoever leads a session without a terminal and opens one has it.
    const start = 'exec 0<> "$1" 1>&0 2>&0; shift; exec "$@"';
    return ["/bin/sh", "-c", start, "tsbuild", this.#path, ...command];
  }

  /** As if somebody typed it. */
  type(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  resize({ rows, columns }: TerminalSize): void {
    const { libc } = cLibrary();
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    libc.func("ioctl", "int", ["int", "uint64_t", "void *"])(this.#ours, setSize, size);
  }

  /** When the program has ended: waits for its last words. */
  async drain(): Promise<void> {
    this.#letGo();
    await Promise.race([this.#ended, sleep(mostDrainMs)]);
  }

  #letGo(): void {
    if (this.#theirs !== undefined) closeSync(this.#theirs);
    this.#theirs = undefined;
  }

  [Symbol.dispose](): void {
    this.#letGo();
    this.#stream.destroy();
  }
}
