// The thread that answers the supervised calls of a script. It has a root folder of its own, which becomes the script's,
// so nothing is loaded here after the start.

import { parentPort, workerData } from "node:worker_threads";
import { Ledger } from "../folder/ledger.ts";
import type { Supervision } from "../isolation/isolation.ts";
import { cLibrary } from "../system/c-library.ts";
import type { Scene } from "./answer.ts";
import { answerCall } from "./answers.ts";
import { Caller } from "./caller.ts";
import { hearCalls } from "./hear-calls.ts";
import { Identities } from "./identities.ts";
import { Kernel } from "./kernel.ts";
import { Listener } from "./listener.ts";
import { Owners, type OwnerNote } from "./owners.ts";
import { receiveDescriptor } from "./receive-descriptor.ts";
import { StopHandshake } from "./stop-handshake.ts";
import { UpperLayer, type OverlayPlace } from "./upper-layer.ts";

export interface SupervisorSetup {
  /** The socket that the filter's loader sends its listener by. */
  readonly socket: number;
  /** What the disk can't hold so far: a `Ledger`'s `toJSON`. */
  readonly ledger: unknown;
  readonly supervision: Supervision;
  readonly overlay: OverlayPlace | undefined;
  /** That of the `StopHandshake`. */
  readonly stopMemory: SharedArrayBuffer;
}

const setup = workerData as SupervisorSetup;
const stop = new StopHandshake(setup.stopMemory);
const { koffi, libc } = cLibrary();
const close = libc.func("close", "int", ["int"]) as (descriptor: number) => number;

/** Longer than the kernel's tick: a shorter wait sets the processor's timer, which a virtual machine takes a while for. */
const patienceMs = 20;

const kernel = new Kernel();
const identities = new Identities(kernel);
/** What is to be told when no call waits. */
let notes: OwnerNote[] = [];
const owners = new Owners(Ledger.fromJSON(setup.ledger), (note) => notes.push(note));

const arrival = koffi.node.poll(setup.socket, { readable: true }, () => {
  if (waiting !== arrival) return;
  const descriptor = receiveDescriptor(setup.socket);
  arrival.close();
  waiting = undefined;
  close(setup.socket);
  // Whoever was to send it has ended before: there is nothing to answer.
  if (descriptor !== undefined) serve(descriptor);
});
let waiting: { close(): void } | undefined = arrival;

function serve(descriptor: number): void {
  const listener = new Listener(descriptor);
  const caller = new Caller(kernel, listener, setup.supervision.expectsChroot);
  const { overlay, supervision } = setup;
  const { ids } = supervision;
  const upper = overlay && new UpperLayer(kernel, caller, overlay);
  const scene: Scene = { kernel, listener, caller, identities, owners, ids, upper };
  waiting = hearCalls(descriptor, {
    onCall: () => {
      if (listener.receive()) answerCall(scene);
    },
    onPause: () => {
      if (notes.length > 0) parentPort?.postMessage({ notes }, []);
      notes = [];
    },
    isStopped: () => stop.isAsked,
    patienceMs,
  });
}

// When all that had the filter has ended nothing else keeps the thread, and it would be gone before it is asked.
parentPort?.ref();
parentPort?.on("message", () => {
  waiting?.close();
  waiting = undefined;
  identities.close();
  stop.answer();
  parentPort?.postMessage({ done: true }, []);
  parentPort?.unref();
});
parentPort?.postMessage({ ready: true }, []);
