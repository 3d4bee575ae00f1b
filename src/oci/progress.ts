import type { Listener } from "../model/event.ts";

const intervalMs = 100;

/** Tells a listener how far a piece of work in bytes is: at its start, ten times a second at most, and at its end. */
export class ByteProgress {
  readonly #listener: Listener;
  readonly #task: string;
  readonly #total: number | undefined;
  #toldMs = 0;
  #told = -1;

  constructor(listener: Listener, task: string, total: number | undefined) {
    this.#listener = listener;
    this.#task = task;
    this.#total = total;
    this.at(0);
  }

  /** `done` bytes in all are done. */
  at(done: number): void {
    const now = performance.now();
    if (done === this.#told || (done !== this.#total && now - this.#toldMs < intervalMs)) return;
    this.#toldMs = now;
    this.#told = done;
    this.#listener({
      type: "progress",
      task: this.#task,
      done,
      ...(this.#total === undefined ? {} : { total: this.#total }),
      unit: "bytes",
    });
  }
}
