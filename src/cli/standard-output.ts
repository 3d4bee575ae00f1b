import { fstatSync, writeSync } from "node:fs";
import type { Output } from "./terminal.ts";

const retryMs = 2;

/**
 * Standard output (1) or standard error (2). Into files and pipes it writes at once, as Node does too, but without
 * Node's streams: to load them takes a tenth of a short command's time. Whoever reads a pipe may stop at any time, as
 * `head` does, which is no failure of ours.
 */
export function standardOutput(descriptor: 1 | 2): Output {
  const stats = fstatSync(descriptor);
  if (stats.isFile() || stats.isFIFO()) return directOutput(descriptor);
  return forgivingStream(descriptor === 1 ? process.stdout : process.stderr);
}

/** The stream, made not to mind that its reader is gone. */
export function forgivingStream(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

function directOutput(descriptor: number): Output {
  let hasReader = true;
  const write = (text: string | Uint8Array) => {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    for (let done = 0; hasReader && done < bytes.length;) {
      try {
        done += writeSync(descriptor, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") hasReader = false;
        // Another process that has the same pipe may have made it so.
        else if (code === "EAGAIN") Atomics.wait(sleeper, 0, 0, retryMs);
        else throw error;
      }
    }
  };
  return { write };
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));
