// The program. The only file that reads process.argv and sets the exit code.

import { keepCompiledCode } from "./cli/compiled-code.ts";
import { standardOutput } from "./cli/standard-output.ts";

const words = process.argv.slice(2);
// What is imported below is loaded after this. Sources change all the time, and are many.
if (import.meta.filename.endsWith(".cjs")) keepCompiledCode(words, process.env);

void main();

async function main(): Promise<void> {
  const [stdout, stderr] = [standardOutput(1), standardOutput(2)];
  try {
    const { run } = await import("./cli/run.ts");
    process.exitCode = await run(words, {
      stdout,
      stderr,
      environment: process.env,
      folder: process.cwd(),
    });
  } catch (error) {
    const { printError } = await import("./cli/print-error.ts");
    const isVerbose = words.some((word) => ["-v", "--verbose", "-d", "--debug"].includes(word));
    const isJson = /(^|\s)--progress[= ]json(\s|$)/.test(words.join(" "));
    process.exitCode = printError(error, stderr, { verbose: isVerbose, json: isJson });
  }
}
