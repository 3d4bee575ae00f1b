// Which process takes itself for whom. The kernel keeps that for us: a thread's timer slack is inherited by what it starts
// and survives another program (prctl(2), PR_SET_TIMERSLACK), and a few nanoseconds more of it are the identity's number.
// No table of processes could be kept up to date.

import { rootIdentity, type Identity } from "./identity.ts";
import { path0, type Kernel } from "./kernel.ts";

/** More identities than that nobody has, and the timers stay exact to a tenth of a millisecond. */
const most = 50_000;

export class Identities {
  readonly #kernel: Kernel;
  readonly #known: Identity[] = [rootIdentity];
  readonly #numbers = new Map<string, number>([[JSON.stringify(rootIdentity), 0]]);
  /** The timer slack of who was never anybody else. */
  #slackOfRoot: number | undefined;

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
    return this.#kernel.write(this.#kernel.processes, path0(`${pid}/timerslack_ns`), slack);
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
    const text = this.#kernel.read(this.#kernel.processes, path0(`${pid}/timerslack_ns`));
    const slack = Number(text?.toString("latin1"));
    return text === undefined || !Number.isSafeInteger(slack) ? undefined : slack;
  }
}
