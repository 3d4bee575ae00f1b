import { extname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Ledger } from "../folder/ledger.ts";
import type { Supervision } from "../isolation/isolation.ts";
import { HostError } from "../model/error.ts";
import { atExit } from "../system/at-exit.ts";
import { cLibrary } from "../system/c-library.ts";
import type { OwnerNote } from "./owners.ts";
import { socketPair } from "./socket-pair.ts";
import { StopHandshake } from "./stop-handshake.ts";
import type { SupervisorSetup } from "./supervisor-worker.ts";
import type { OverlayPlace } from "./upper-layer.ts";

/** Somebody who answers the supervised calls of one script. Disposing ends it. */
export interface Supervisor extends AsyncDisposable {
  /** A socket to be given to the script's first program, for its filter's listener. */
  readonly socket: number;
  /** To be called once the program has it. */
  handedOn(): void;
  /** When the script has ended: waits until all that was asked for is in the ledger. */
  finish(): Promise<void>;
}

/** Much longer than the thread takes to see that it is to end. */
const mostEndMs = 5000;
/** The same for somebody who has pressed Ctrl-C twice. */
const mostExitMs = 2000;

interface Message {
  readonly notes?: readonly OwnerNote[];
  readonly ready?: true;
  readonly done?: true;
}

/**
 * Starts a thread that stands for the kernel towards a script whose filter is `supervised`.
 * @param ledger gets the owners and devices that the script asks for
 * @param overlay that on which it works, if it does
 * @throws {HostError} `host/supervisor`
 */
export async function startSupervisor(
  ledger: Ledger,
  supervision: Supervision,
  overlay: OverlayPlace | undefined,
): Promise<Supervisor> {
  const { libc } = cLibrary();
  const close = libc.func("close", "int", ["int"]) as (descriptor: number) => number;
  const pair = socketPair();
  if (pair === undefined) throw supervisorError();
  const { ours, theirs } = pair;
  const file = new URL(`./supervisor-worker${extname(import.meta.filename)}`, import.meta.url);
  const stop = new StopHandshake();
  const setup: SupervisorSetup = {
    socket: ours,
    ledger: ledger.toJSON(),
    supervision,
    overlay,
    stopMemory: stop.memory,
  };
  const worker = new Worker(file, { workerData: setup });
  let failure: Error | undefined;
  let isDone = false;
  const waiting = new Set<() => void>();
  const settle = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const settled = new Promise<void>((resolve) => waiting.add(resolve));
  worker.on("message", ({ notes = [], ready, done }: Message) => {
    for (const { inode, owner, device } of notes) ledger.noteOwner(inode, owner, device);
    isDone ||= done === true;
    if (ready === true || done === true) settle();
  });
  worker.on("error", (error: Error) => {
    failure = error;
    settle();
  });
  worker.on("exit", () => {
    // It may end in the same turn in which its last words come.
    if (!isDone) failure ??= new Error("its thread has ended");
    settle();
  });
  const exited = new Promise<void>((resolve) => {
    worker.once("exit", () => resolve());
  });
  // The end of the process ends the thread, and must not meet it in a call.
  const guard = atExit(() => {
    stop.ask();
    worker.postMessage("finish", []);
    stop.waitForAnswer(mostExitMs);
  });
  void exited.then(() => guard[Symbol.dispose]());
  let isOpen = true;
  const closeTheirs = (): void => {
    if (isOpen) close(theirs);
    isOpen = false;
  };
  await settled;
  if (failure !== undefined) {
    closeTheirs();
    throw supervisorError(failure);
  }
  return {
    socket: theirs,
    handedOn: closeTheirs,
    async finish() {
      if (failure !== undefined) throw supervisorError(failure);
      const done = new Promise<void>((resolve) => waiting.add(resolve));
      worker.postMessage("finish", []);
      await done;
      if (failure !== undefined) throw supervisorError(failure);
    },
    async [Symbol.asyncDispose]() {
      closeTheirs();
      // To be ended while it is called from outside of JavaScript would bring down the whole process.
      stop.ask();
      if (!isDone) worker.postMessage("finish", []);
      const patience = new AbortController();
      await Promise.race([exited, delay(mostEndMs, undefined, { signal: patience.signal })]);
      patience.abort();
      await worker.terminate();
    },
  };
}

function supervisorError(cause?: Error): HostError {
  return new HostError(
    "host/supervisor",
    "what a script asks of the system can't be followed, so it can't be root here",
    {
      hint: "the reason is below; --isolation takes another way",
      details: cause === undefined ? [] : [cause.message],
      cause,
    },
  );
}
