// Runs the program as people do: bin/tsbuild.cjs, with words and an environment, as root or as a plain user.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import type { PlainUser } from "./plain-user.ts";

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it; the caller by default. */
  readonly user?: PlainUser;
  /** Shell text that runs before it in the same process, `umask 077` say. */
  readonly before?: string;
}

export interface CliRun {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The folder that holds `bin/`, `dist/` and `node_modules/`. */
export const checkout = resolve(import.meta.dirname, "../..");

export const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const settings = {
  extendEnv: false,
  reject: false,
  stdin: "ignore",
  stripFinalNewline: false,
  maxBuffer: 1 << 28,
} as const;

/**
 * Starts the program and gives the running child. A plain user sees the checkout through a mount of their own, for it
 * may lie in a folder that only root can enter.
 */
export function startTsbuild(words: readonly string[], options: CliOptions) {
  const { cwd, user } = options;
  const env = {
    PATH: path,
    HOME: user?.folder ?? process.env["HOME"] ?? "/root",
    ...(process.env["TMPDIR"] === undefined ? {} : { TMPDIR: process.env["TMPDIR"] }),
    ...options.env,
  };
  const before = options.before ?? ":";
  if (user === undefined) {
    const program = [process.execPath, join(checkout, "bin/tsbuild.cjs"), ...words];
    return execa("/bin/sh", ["-c", `${before}; exec "$@"`, "sh", ...program], {
      cwd,
      env,
      ...settings,
    });
  }
  const view = viewOfCheckout();
  const node = process.execPath.startsWith(`${checkout}/`)
    ? join(view, process.execPath.slice(checkout.length))
    : process.execPath;
  return execa(
    "unshare",
    [
      "--mount",
      "--propagation=private",
      "sh",
      "-c",
      'mount --bind "$1" "$2"; uid=$3 gid=$4 before=$5; shift 5; exec setpriv --reuid "$uid" --regid "$gid" --clear-groups /bin/sh -c "$before; exec \\"\\$@\\"" sh "$@"',
      "sh",
      checkout,
      view,
      String(user.uid),
      String(user.gid),
      before,
      node,
      join(view, "bin/tsbuild.cjs"),
      ...words,
    ],
    { cwd, env, ...settings },
  );
}

let view: string | undefined;

/** An empty folder that the checkout is mounted on, for plain users only. */
export function viewOfCheckout(): string {
  if (view === undefined) {
    // Where every user may go; not in TMPDIR, which may be the caller's own.
    view = join("/var/tmp", "tsbuild-judges", "checkout");
    mkdirSync(view, { recursive: true });
  }
  return view;
}

/** Runs the program to its end. Its failure is a result, not an exception. */
export async function tsbuild(words: readonly string[], options: CliOptions): Promise<CliRun> {
  const run = await startTsbuild(words, options);
  return {
    exitCode: run.exitCode,
    signal: run.signal,
    stdout: run.stdout,
    stderr: run.stderr,
  };
}
