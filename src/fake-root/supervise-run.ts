import type { Ledger } from "../folder/ledger.ts";
import type { Isolation } from "../isolation/isolation.ts";
import { listenerDescriptor } from "../isolation/loader-code.ts";
import { startSupervisor } from "./supervisor.ts";
import type { OverlayPlace } from "./upper-layer.ts";

/** What a run of a script needs to be answered; nothing where nobody asks. */
export interface SupervisedRun extends AsyncDisposable {
  /** For the program that is started. */
  readonly descriptors: Readonly<Record<number, number>>;
  readonly onStart: (program: unknown) => void;
  /** When it has ended: all that was asked for is in the ledger then. @throws {HostError} `host/supervisor` */
  readonly finish: () => Promise<void>;
}

/**
 * Starts somebody who answers a script's system calls, if the isolation wants that.
 * @param overlay that on which the script works, if it does
 * @throws {HostError} `host/supervisor`
 */
export async function superviseRun(
  supervision: Isolation["supervision"],
  ledger: Ledger,
  overlay: OverlayPlace | undefined,
): Promise<SupervisedRun> {
  if (supervision === undefined) {
    return {
      descriptors: {},
      onStart: () => {},
      finish: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const supervisor = await startSupervisor(ledger, supervision, overlay);
  return {
    descriptors: { [listenerDescriptor]: supervisor.socket },
    onStart: () => supervisor.handedOn(),
    finish: () => supervisor.finish(),
    [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
  };
}
