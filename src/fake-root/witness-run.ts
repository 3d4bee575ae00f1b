import { closeSync } from "node:fs";
import { listenerDescriptor } from "../isolation/loader-code.ts";
import { HostError } from "../model/error.ts";
import { cLibrary } from "../system/c-library.ts";
import { hearCalls } from "./hear-calls.ts";
import { Listener } from "./listener.ts";
import { receiveDescriptor } from "./receive-descriptor.ts";
import { socketPair } from "./socket-pair.ts";
import type { SupervisedRun } from "./supervise-run.ts";
import { Witness, type WitnessOptions } from "./witness.ts";

export interface WitnessedRun extends SupervisedRun {
  readonly witness: Witness;
}

/**
 * Hears what a script asks for, in this thread: it has nothing else to do while the script runs.
 * @throws {HostError} `host/supervisor`
 */
export function witnessRun(options: WitnessOptions): WitnessedRun {
  const pair = socketPair();
  if (pair === undefined) {
    throw new HostError("host/supervisor", "what a script asks of the system can't be followed", {
      hint: "this process has too many open files; --isolation takes another way",
    });
  }
  const { ours } = pair;
  let theirs: number | undefined = pair.theirs;
  const witness = new Witness(options);
  let hearing: { close(): void } | undefined;
  const arrival = cLibrary().koffi.node.poll(ours, { readable: true }, () => {
    if (hearing !== waiting) return;
    const descriptor = receiveDescriptor(ours);
    waiting.close();
    // Whoever was to send it has ended before.
    if (descriptor === undefined) return;
    const listener = new Listener(descriptor);
    hearing = hearCalls(descriptor, {
      onCall: () => {
        if (listener.receive()) witness.answer(listener);
      },
      // What the script prints waits meanwhile.
      patienceMs: 1,
    });
  });
  const waiting = {
    close: () => {
      hearing = undefined;
      arrival.close();
      closeSync(ours);
    },
  };
  hearing = waiting;
  const handedOn = (): void => {
    if (theirs !== undefined) closeSync(theirs);
    theirs = undefined;
  };
  return {
    witness,
    descriptors: { [listenerDescriptor]: pair.theirs },
    onStart: handedOn,
    finish: async () => {
      hearing?.close();
      hearing = undefined;
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      handedOn();
      hearing?.close();
      hearing = undefined;
      return Promise.resolve();
    },
  };
}
