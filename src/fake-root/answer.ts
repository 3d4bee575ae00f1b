import type { SupervisedCall } from "../isolation/system-call-numbers.ts";
import type { Caller } from "./caller.ts";
import type { Identities } from "./identities.ts";
import type { Kernel } from "./kernel.ts";
import type { Listener } from "./listener.ts";
import type { Owners } from "./owners.ts";
import type { UpperLayer } from "./upper-layer.ts";

/** What answers have to do with. */
export interface Scene {
  readonly kernel: Kernel;
  readonly listener: Listener;
  readonly caller: Caller;
  readonly identities: Identities;
  readonly owners: Owners;
  /** How many ids the disk can hold, from 0 on. */
  readonly ids: number;
  /** That of the overlay that the script works on, if it does. */
  readonly upper: UpperLayer | undefined;
}

/** Answers one call, in whatever way: the caller waits until then. */
export type Answer = (scene: Scene) => void;

export type Answers = Partial<Record<SupervisedCall, Answer>>;
