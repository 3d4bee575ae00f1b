// Questions to whoever sits at the terminal. They go to standard error: standard output carries results.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { InterruptedError, UsageError } from "../model/error.ts";

/**
 * A line that is typed in answer to a question.
 * @param otherwise what to do where nobody can be asked
 * @throws {UsageError} `usage/no-terminal` when standard input is no terminal
 * @throws {InterruptedError} for Ctrl-C and Ctrl-D
 */
export function askLine(question: string, otherwise = noTerminalHint): Promise<string> {
  return ask(question, otherwise, process.stderr);
}

/** As `askLine`; what is typed is not shown. */
export async function askSecret(question: string, otherwise = noTerminalHint): Promise<string> {
  let isAsked = false;
  // The question passes, and nothing of the answer.
  const muted = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (!isAsked) process.stderr.write(chunk);
      done();
    },
  });
  const answer = ask(question, otherwise, muted, () => (isAsked = true));
  try {
    return await answer;
  } finally {
    process.stderr.write("\n");
  }
}

const noTerminalHint = "say who with --username, and give the password with --password-stdin";

async function ask(
  question: string,
  otherwise: string,
  output: NodeJS.WritableStream,
  onAsked?: () => void,
): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError("usage/no-terminal", "there is no terminal to ask at", {
      hint: otherwise,
    });
  }
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = () => reject(new InterruptedError("SIGINT"));
      lines.once("SIGINT", stop);
      lines.once("close", stop);
      lines.question(question).then(resolve, reject);
      onAsked?.();
    });
  } finally {
    lines.close();
  }
}
