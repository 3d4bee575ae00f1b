// The program. The only file that reads process.argv and sets the exit code.

import { keepCompiledCode } from "./cli/compiled-code.ts";
import { OutputFailure, standardOutput } from "./cli/standard-output.ts";

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
    const told = error instanceof OutputFailure ? await outputError(error) : error;
    process.exitCode = printError(told, stderr, { verbose: isVerbose, json: isJson });
  }
}

async function outputError(failure: OutputFailure): Promise<Error> {
  const { HostError } = await import("./model/error.ts");
  return new HostError("host/output", `can't write to standard output: ${failure.message}`, {
    hint: "make room where it is redirected to, or redirect it elsewhere",
    cause: failure.cause,
  });
}
