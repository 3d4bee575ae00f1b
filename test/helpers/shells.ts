import { spawnSync } from "node:child_process";

/** Shells that images have as `/bin/sh`: Debian's, Fedora's, Alpine's. */
export const shells: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["dash", ["dash"]],
  ["bash", ["bash", "--posix"]],
  ["busybox", ["busybox", "sh"]],
];

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell with the words given and nothing in its environment but what is given. */
export function runShell(
  command: readonly string[],
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Ran {
  const [program = "", ...first] = command;
  const { status, stdout, stderr } = spawnSync(program, [...first, ...words], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...environment },
    encoding: "utf8",
    // bash takes a socket as its input for a remote login, and reads the user's start-up files.
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}
