import { constants, openSync, closeSync, unlinkSync, chmodSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { execFileSync } from "node:child_process";

// What Node calls a pipe to a child is a socket, and a socket can't be opened by name: `echo failed > /dev/stderr` would
// end in "No such device or address". A FIFO can.

export interface RealPipe extends Disposable {
  readonly reader: Socket;
  /** To be given to the child, and then closed here with `closeWriter`, or the end is never seen. */
  readonly writerFd: number;
  closeWriter(): void;
}

let count = 0;

/**
 * A pipe of the operating system. The folder is only needed for a moment.
 * Everybody may open it by way of /dev/stdout, also a process that became another user.
 */
export function makeRealPipe(folder: string): RealPipe {
  const path = join(folder, `pipe-${process.pid}-${count++}`);
  execFileSync("mkfifo", ["-m", "600", "--", path], { stdio: "ignore" });
  try {
    chmodSync(path, 0o666);
    // The reading end first: without a reader, opening the other end waits for one.
    const readerFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writerFd = openSync(path, constants.O_WRONLY);
    const reader = new Socket({ fd: readerFd, readable: true, writable: false });
    let open = true;
    const closeWriter = (): void => {
      if (open) closeSync(writerFd);
      open = false;
    };
    return {
      reader,
      writerFd,
      closeWriter,
      [Symbol.dispose]: () => {
        closeWriter();
        reader.destroy();
      },
    };
  } finally {
    unlinkSync(path);
  }
}
