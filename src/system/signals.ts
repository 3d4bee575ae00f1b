import { InterruptedError } from "../model/error.ts";

type EndingSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

const endingSignals: readonly EndingSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * A terminal sends Ctrl-C to everyone in the foreground, and a parent that forwards it sends it once more: signals
 * that come this close together are one wish.
 */
const sameWishMs = 500;

export interface Interruption extends Disposable {
  /** Aborted by the first signal, with an `InterruptedError` as its reason. */
  readonly signal: AbortSignal;
}

export interface InterruptionOptions {
  /** Told of the first signal, for a message such as "stopping; once more to stop at once". */
  readonly onFirst?: ((signal: EndingSignal) => void) | undefined;
  /** What a second signal does; the default exits at once with the signal's status, which runs what `atExit` holds. */
  readonly onSecond?: ((signal: EndingSignal) => void) | undefined;
}

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an `AbortSignal`: everything that was started with it winds down and cleans up.
 * A second signal, half a second later or more, ends the process at once. Disposing gives the signals back.
 */
export function watchSignals(options: InterruptionOptions = {}): Interruption {
  const controller = new AbortController();
  const onSecond =
    options.onSecond ?? ((name: EndingSignal) => process.exit(new InterruptedError(name).exitCode));
  let firstAt: number | undefined;
  const handle = (name: EndingSignal): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      options.onFirst?.(name);
      controller.abort(new InterruptedError(name));
    } else if (now - firstAt >= sameWishMs) onSecond(name);
  };
  for (const name of endingSignals) process.on(name, handle);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of endingSignals) process.off(name, handle);
    },
  };
}
