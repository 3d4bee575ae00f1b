import type { Listener } from "../model/event.ts";
import { verbosityOf } from "./message-level.ts";
import type { GlobalFlags, Terminal } from "./terminal.ts";
import { jsonListener } from "./ui-json.ts";
import { lineListener } from "./ui-lines.ts";
import { lookOf, terminalView } from "./ui-terminal.ts";

/** Whoever is told of the build, until it is disposed. */
export interface View extends Disposable {
  readonly listener: Listener;
}

/** The view that the flags and the terminal ask for: live on a terminal, plain lines in a pipe. */
export function makeListener(
  flags: GlobalFlags & { readonly progress?: "plain" | "tty" | "json" },
  terminal: Terminal,
): View {
  const { stderr, environment } = terminal;
  const verbosity = verbosityOf(flags);
  const isQuiet = verbosity === "quiet" || verbosity === "silent";
  const canDraw = stderr.isTTY === true && environment["TERM"] !== "dumb" && !isQuiet;
  const form = flags.progress ?? (canDraw ? "tty" : "plain");
  if (form === "tty") return terminalView(terminal, lookOf(environment, flags), verbosity);
  const listener = form === "json" ? jsonListener(stderr) : lineListener(terminal, verbosity);
  return { listener, [Symbol.dispose]: () => {} };
}
