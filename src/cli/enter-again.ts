import type { Entry } from "../isolation/isolation.ts";
import type { CommandTerminal } from "./terminal.ts";

/**
 * Runs this command once more, as root of a user namespace, and gives its exit code.
 * @param stdin what it finds on standard input, where that has been read already
 */
export async function enterAgain(
  entry: Entry,
  { words, environment }: Pick<CommandTerminal, "words" | "environment">,
  stdin?: Uint8Array,
): Promise<number> {
  const { enterNamespace } = await import("../isolation/enter.ts");
  const [node, program] = [process.execPath, process.argv[1] ?? ""];
  return enterNamespace({
    entry,
    command: [node, ...process.execArgv, program, ...words],
    env: environment,
    stdin,
  });
}
