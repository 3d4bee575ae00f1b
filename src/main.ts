// The program. The only file that reads process.argv and sets the exit code.

import { printError } from "./cli/print-error.ts";
import { run } from "./cli/run.ts";

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
