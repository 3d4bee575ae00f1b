import { fstatSync, writeSync } from "node:fs";
import type { Output } from "./terminal.ts";

/** Standard output could not be written: not one of our errors yet, for those are not loaded at the start. */
export class OutputFailure extends Error {}

const retryMs = 2;

/**
 * Standard output (1) or standard error (2). Into files, pipes and devices it writes at once, as Node does too, but
 * without Node's streams: to load them takes a tenth of a short command's time. Whoever reads a pipe may stop at any
 * time, as `head` does, and a terminal may go away, which is no failure of ours.
 */
export function standardOutput(descriptor: 1 | 2): Output {
  const stats = fstatSync(descriptor);
  // /dev/null, /dev/full and the like. Other devices are terminals, or may be.
  const isMemoryDevice = stats.isCharacterDevice() && stats.rdev >> 8 === 1;
  if (stats.isFile() || stats.isFIFO() || isMemoryDevice) return directOutput(descriptor);
  return forgivingStream(descriptor === 1 ? process.stdout : process.stderr);
}

/** The stream, made not to mind that its reader is gone. */
export function forgivingStream(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!isGone(error)) throw error;
  });
}

const isGone = ({ code }: NodeJS.ErrnoException) => code === "EPIPE" || code === "EIO";

function directOutput(descriptor: 1 | 2): Output {
  let hasReader = true;
  const write = (text: string | Uint8Array) => {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    for (let done = 0; hasReader && done < bytes.length;) {
      try {
        done += writeSync(descriptor, bytes, done);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        // Another process that has the same pipe may have made it so.
        if (code === "EAGAIN") Atomics.wait(sleeper, 0, 0, retryMs);
        // That errors can't be told has no place where it could be told.
        else if (code === "EPIPE" || descriptor === 2) hasReader = false;
        else throw new OutputFailure(message, { cause: error });
      }
    }
  };
  return { write };
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));
