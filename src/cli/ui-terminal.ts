import type { BuildEvent, Listener } from "../model/event.ts";
import { BuildScreen } from "./build-screen.ts";
import { LiveRegion, type Look, type ScreenOutput } from "./live-region.ts";
import type { Verbosity } from "./message-level.ts";
import type { Environment } from "./settings.ts";
import type { Outputs } from "./ui-lines.ts";

/** The time, and being called again: what the view needs of the machine. */
export interface Clock {
  /** Milliseconds from any start. */
  now(): number;
  /** Calls again and again until what it gives is called. */
  every(intervalMs: number, call: () => void): () => void;
  /** Calls when the process ends without having disposed the view. Gives what takes that back. */
  atExit(call: () => void): () => void;
}

const intervalMs = 100;

/**
 * A listener for a terminal: one line for each finished step, below them the running one with its time, the last lines
 * of its script and bars for downloads and packing, drawn ten times a second. In a pipe, what scripts print on standard
 * output goes to ours as well. Disposing it gives the terminal back, and so does any end of the process but SIGKILL.
 */
export function terminalView(
  { stdout, stderr }: { readonly stdout: Outputs["stdout"]; readonly stderr: ScreenOutput },
  look: Look,
  verbosity: Verbosity,
  clock: Clock = realClock,
): Disposable & { readonly listener: Listener } {
  const region = new LiveRegion(stderr, look);
  const screen = new BuildScreen(look, verbosity);
  const draw = (kept: Parameters<LiveRegion["draw"]>[0] = []) => {
    region.draw(kept, screen.live(clock.now(), region.columns));
  };
  const restore = () => {
    const kept = screen.broken(clock.now());
    if (kept.length > 0) region.draw(kept, []);
    region.end();
  };
  const stopDrawing = clock.every(intervalMs, () => {
    draw();
  });
  const forget = clock.atExit(restore);
  return {
    listener: (event: BuildEvent) => {
      if (event.type === "step-output" && event.stream === "stdout" && stdout.isTTY !== true) {
        stdout.write(`${event.line}\n`);
      }
      const kept = screen.tell(event, clock.now());
      // Output and progress may come thousands of times a second; the next drawing shows them.
      if (kept.length > 0 || event.type === "step-start") draw(kept);
    },
    [Symbol.dispose]: () => {
      stopDrawing();
      forget();
      restore();
    },
  };
}

const realClock: Clock = {
  now: () => performance.now(),
  every: (interval, call) => {
    const timer = setInterval(call, interval);
    // A view must not keep a finished program alive.
    timer.unref();
    return () => {
      clearInterval(timer);
    };
  },
  atExit: (call) => {
    process.once("exit", call);
    return () => {
      process.off("exit", call);
    };
  },
};

/** What the terminal can show: https://no-color.org, TERM and the locale's variables say so. */
export function lookOf(environment: Environment, flags: { readonly nocolor?: boolean }): Look {
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
  return {
    hasColors: flags.nocolor !== true && (environment["NO_COLOR"] ?? "") === "",
    hasUnicode: /utf-?8/i.test(locale),
  };
}
