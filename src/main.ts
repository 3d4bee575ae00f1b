// The program. The only file that reads process.argv and sets the exit code.

import { printError } from "./cli/print-error.ts";
import { run } from "./cli/run.ts";

// `tsbuild inspect --list app.sif | head`: whoever reads has seen enough, which is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const words = process.argv.slice(2);
try {
  process.exitCode = await run(words, {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    folder: process.cwd(),
  });
} catch (error) {
  const isVerbose = words.some((word) => ["-v", "--verbose", "-d", "--debug"].includes(word));
  const isJson = /(^|\s)--progress[= ]json(\s|$)/.test(words.join(" "));
  process.exitCode = printError(error, process.stderr, { verbose: isVerbose, json: isJson });
}
