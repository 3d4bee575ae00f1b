import type { Listener } from "../model/event.ts";
import type { Output } from "./terminal.ts";

/**
 * A listener that writes each event as one line of JSON, with the members that `BuildEvent` has and, as `time`, when it
 * was told (RFC 3339). For programs that watch a build: new kinds of events and new members may come, none will go.
 */
export function jsonListener(output: Output, now: () => Date = () => new Date()): Listener {
  return (event) => {
    output.write(`${JSON.stringify({ time: now().toISOString(), ...event })}\n`);
  };
}
