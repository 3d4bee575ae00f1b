import type { LendableTerminal } from "../build/options.ts";
import { UsageError } from "../model/error.ts";
import { makeRaw } from "../system/raw-terminal.ts";
import type { BuildFlags } from "./build-flags.ts";

/**
 * This process's terminal, for `--terminal`; undefined without that option. While it is lent every key goes to the script,
 * Ctrl-C too.
 * @throws {UsageError} `usage/no-terminal` where standard input, output or error are none, `usage/options` together
 *   with what needs the output of scripts as lines
 */
export function terminalToLend(
  flags: Pick<BuildFlags, "terminal" | "progress" | "secret" | "buildArgSecret">,
): LendableTerminal | undefined {
  if (flags.terminal !== true) return undefined;
  const { stdin, stdout, stderr } = process;
  if (!stdin.isTTY || !stdout.isTTY || !stderr.isTTY) {
    throw new UsageError("usage/no-terminal", "--terminal has no terminal to lend", {
      hint: "start the build at a terminal, without a pipe or a redirection",
    });
  }
  if (flags.progress === "json" || flags.secret.length > 0 || flags.buildArgSecret.length > 0) {
    const other = flags.progress === "json" ? "--progress=json" : "secrets";
    throw new UsageError("usage/options", `--terminal and ${other} don't go together`, {
      hint: "what a script prints on a terminal is shown as it is, neither as lines nor masked",
    });
  }
  return {
    lend: ({ type, resize }) => {
      const fit = () => resize({ rows: stdout.rows, columns: stdout.columns });
      fit();
      stdout.on("resize", fit);
      const raw = makeRaw(stdin.fd);
      stdin.on("data", type);
      return {
        show: (bytes) => void stdout.write(bytes),
        [Symbol.dispose]: () => {
          stdout.off("resize", fit);
          stdin.off("data", type);
          raw[Symbol.dispose]();
          stdin.pause();
        },
      };
    },
  };
}
