import { extname } from "node:path";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { BlockJob, BlockResult, WorkerSetup } from "./block-job.ts";
import type { CompressorChoice } from "./compression.ts";

/** More threads than this are not kept busy by the one that reads. */
const mostWorkers = 16;

/** Slots for each thread: one in work, one waiting for it, two being filled or waiting for their turn to be written. */
const slotsPerWorker = 4;
const jobsPerWorker = 2;

/** A block in shared memory, on its way from the reader to the image. */
export interface Slot {
  readonly index: number;
  /** Where the block is put. */
  readonly input: Buffer;
  /** Where its compressed form appears. */
  readonly output: Buffer;
}

interface Thread {
  readonly worker: Worker;
  jobs: number;
}

/** How many threads a build uses when nothing else is said. */
export function defaultWorkers(): number {
  return Math.min(mostWorkers, availableParallelism());
}

/**
 * Threads that compress blocks. Memory is fixed: a block lies in one of a few slots that threads and reader share, and
 * who wants another slot has to wait until one is free.
 */
export class BlockPool {
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  readonly #waitingForSlot: {
    readonly resolve: (slot: Slot) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  readonly #threads: Thread[] = [];
  readonly #queue: BlockJob[] = [];
  readonly #results = new Map<number, (result: BlockResult) => void>();
  readonly #onFailure: (error: unknown) => void;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param slotBytes how long a block can be
   * @param onFailure told when a thread dies or when handling a result fails; nothing more is told after that
   */
  constructor(
    choice: CompressorChoice,
    slotBytes: number,
    workers: number,
    onFailure: (error: unknown) => void,
  ) {
    this.#onFailure = onFailure;
    const slots = workers * slotsPerWorker;
    const memory = new SharedArrayBuffer(slots * 2 * slotBytes);
    for (let index = 0; index < slots; index += 1) {
      const start = index * 2 * slotBytes;
      this.#slots.push({
        index,
        input: Buffer.from(memory, start, slotBytes),
        output: Buffer.from(memory, start + slotBytes, slotBytes),
      });
    }
    this.#free.push(...this.#slots.toReversed());
    const setup: WorkerSetup = {
      memory,
      slotBytes,
      compressor: choice.name,
      level: choice.level,
    };
    // The same name with the ending of this very file: `.ts` in the sources, `.cjs` in the program, `.js` in the library.
    const file = new URL(`./block-worker${extname(import.meta.filename)}`, import.meta.url);
    for (let index = 0; index < workers; index += 1) {
      const worker = new Worker(file, {
        workerData: setup,
        // What a thread allocates is short-lived; a small heap keeps it from piling up.
        resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
      });
      const thread: Thread = { worker, jobs: 0 };
      worker.on("message", (result: BlockResult) => this.#finished(thread, result));
      worker.on("error", (error) => this.#fail(error));
      worker.on("exit", (code) => this.#fail(new Error(`a compressing thread ended with ${code}`)));
      this.#threads.push(thread);
    }
  }

  /** A free slot, at once if there is one. */
  takeSlot(): Slot | Promise<Slot> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const slot = this.#free.pop();
    if (slot !== undefined) return slot;
    return new Promise((resolve, reject) => this.#waitingForSlot.push({ resolve, reject }));
  }

  /** Gives a slot back. */
  freeSlot(slot: Slot): void {
    const waiting = this.#waitingForSlot.shift();
    if (waiting === undefined) this.#free.push(slot);
    else waiting.resolve(slot);
  }

  /** Has the first bytes of a slot compressed. Results come in any order. */
  compress(
    slot: Slot,
    lengthBytes: number,
    hash: boolean,
    onResult: (result: BlockResult) => void,
  ): void {
    this.#results.set(slot.index, onResult);
    this.#queue.push({ slot: slot.index, lengthBytes, hash });
    this.#dispatch();
  }

  /** Ends all threads, whatever they do. */
  async close(): Promise<void> {
    this.#failure ??= { error: new Error("the pool is closed") };
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let best: Thread | undefined;
      for (const thread of this.#threads) {
        if (thread.jobs < jobsPerWorker && (best === undefined || thread.jobs < best.jobs)) {
          best = thread;
        }
      }
      if (best === undefined) return;
      best.jobs += 1;
      best.worker.postMessage(this.#queue.shift(), []);
    }
  }

  #finished(thread: Thread, result: BlockResult): void {
    if (this.#failure !== undefined) return;
    thread.jobs -= 1;
    this.#dispatch();
    const onResult = this.#results.get(result.slot);
    this.#results.delete(result.slot);
    try {
      onResult?.(result);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    for (const waiting of this.#waitingForSlot.splice(0)) waiting.reject(error);
    this.#onFailure(error);
  }
}
