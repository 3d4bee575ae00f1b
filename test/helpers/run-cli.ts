import { TsbuildError } from "../../src/model/error.ts";
import { run } from "../../src/cli/run.ts";

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly error: TsbuildError | undefined;
}

/** Runs a command in this process: for commands that neither start programs nor take long. */
export async function runCli(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  const terminal = {
    stdout: { write: (text: string | Uint8Array) => void (stdout += Buffer.from(text).toString()) },
    stderr: { write: (text: string | Uint8Array) => void (stderr += Buffer.from(text).toString()) },
    environment,
    folder,
  };
  try {
    return { exitCode: await run(words, terminal), stdout, stderr, error: undefined };
  } catch (error) {
    if (!(error instanceof TsbuildError)) throw error;
    return { exitCode: error.exitCode, stdout, stderr, error };
  }
}
