// Which process takes itself for whom. The kernel keeps that for us: a thread's timer slack is inherited by what it starts
// and survives another program (prctl(2), PR_SET_TIMERSLACK), and a few nanoseconds more of it are the identity's number.
// No table of processes could be kept up to date.

import { rootIdentity, type Identity } from "./identity.ts";
import type { Kernel } from "./kernel.ts";

/** More identities than that nobody has, and the timers stay exact to a tenth of a millisecond. */
const most = 50_000;

/** Of so many threads the file with the timer slack is kept open. */
const mostOpen = 64;

export class Identities {
  readonly #kernel: Kernel;
  readonly #known: Identity[] = [rootIdentity];
  readonly #numbers = new Map<string, number>([[JSON.stringify(rootIdentity), 0]]);
  /** The timer slack of who was never anybody else. */
  #slackOfRoot: number | undefined;
  /** By thread, the oldest first. Each means its thread even when the number is another's already, and fails then. */
  readonly #opened = new Map<number, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  of(pid: number): Identity {
    // Most scripts never become anybody else: no need to look.
    if (this.#known.length === 1 || this.#slackOfRoot === undefined) return rootIdentity;
    return this.#known[(this.#slackOf(pid) ?? 0) - this.#slackOfRoot] ?? rootIdentity;
  }

  /** Gives a thread another identity. False where this kernel doesn't let us: then it stays who it was. */
  change(pid: number, identity: Identity): boolean {
    this.#slackOfRoot ??= this.#slackOf(pid);
    if (this.#slackOfRoot === undefined) return false;
    const number = this.#numberOf(identity);
    if (number > most) return false;
    const slack = `${this.#slackOfRoot + number}`;
    const descriptor = this.#descriptorOf(pid);
    return descriptor !== undefined && this.#kernel.write(descriptor, slack);
  }

  #numberOf(identity: Identity): number {
    const key = JSON.stringify(identity);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#known.length;
    this.#numbers.set(key, number);
    this.#known.push(identity);
    return number;
  }

  #slackOf(pid: number): number | undefined {
    const descriptor = this.#descriptorOf(pid);
    if (descriptor === undefined) return undefined;
    const text = this.#kernel.read(descriptor);
    if (text !== undefined) return toSlack(text);
    // It belonged to one that has ended.
    this.#close(pid, descriptor);
    const next = this.#descriptorOf(pid);
    return next === undefined ? undefined : toSlack(this.#kernel.read(next));
  }

  #descriptorOf(pid: number): number | undefined {
    const known = this.#opened.get(pid);
    if (known !== undefined) return known;
    const opened = this.#kernel.openOfProcess(pid, "timerslack_ns", "read and write");
    if (opened === undefined) return undefined;
    const [oldest] = this.#opened;
    if (oldest !== undefined && this.#opened.size >= mostOpen) this.#close(...oldest);
    this.#opened.set(pid, opened);
    return opened;
  }

  /** Closes what was kept open; it may be used again. */
  close(): void {
    for (const [pid, descriptor] of this.#opened) this.#close(pid, descriptor);
  }

  #close(pid: number, descriptor: number): void {
    this.#opened.delete(pid);
    this.#kernel.close(descriptor);
  }
}

function toSlack(text: string | undefined): number | undefined {
  const slack = Number(text ?? Number.NaN);
  return Number.isSafeInteger(slack) ? slack : undefined;
}
