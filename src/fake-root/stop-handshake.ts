// How a thread is brought to rest by one that can't wait for messages, since the process is about to end. Ending a thread
// that is called from outside of JavaScript at that moment aborts the whole process (the binding throws into a thread that
// may not run any more).

const asked = 0;
const answered = 1;

/** Both sides make one of the same memory. */
export class StopHandshake {
  /** To be handed to the other side. */
  readonly memory: SharedArrayBuffer;
  readonly #flags: Int32Array;

  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#flags = new Int32Array(memory);
  }

  ask(): void {
    Atomics.store(this.#flags, asked, 1);
  }

  /** For loops of the thread: whether to leave them. */
  get isAsked(): boolean {
    return Atomics.load(this.#flags, asked) === 1;
  }

  /** By the thread, once nothing from outside of JavaScript calls it any more. */
  answer(): void {
    Atomics.store(this.#flags, answered, 1);
    Atomics.notify(this.#flags, answered);
  }

  /** Blocks until it has answered, `limitMs` at most. Says whether it has. */
  waitForAnswer(limitMs: number): boolean {
    return Atomics.wait(this.#flags, answered, 0, limitMs) !== "timed-out";
  }
}
