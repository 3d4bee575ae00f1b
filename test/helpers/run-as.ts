import { spawnSync } from "node:child_process";

/** A user that nobody is, without groups or sub-ids. */
export const nobodyInParticular = 54_321;

/**
 * Runs a TypeScript file as another user, or in front of another program that changes who we are, and gives what it
 * printed as JSON. Needs root.
 */
export function runAs(prefix: readonly string[], script: string, args: readonly string[]): unknown {
  const [program = "", ...rest] = [...prefix, process.execPath, script, ...args];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { PATH: process.env["PATH"] },
  });
  if (status !== 0) throw new Error(`${program} ${rest.join(" ")} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as unknown;
}

/** Prefix to be a plain user. */
export const asPlainUser: readonly string[] = [
  "setpriv",
  `--reuid=${nobodyInParticular}`,
  `--regid=${nobodyInParticular}`,
  "--clear-groups",
  "--",
];

/** Prefix to be root in a user namespace that knows only this user. */
export const asSingleRoot: readonly string[] = [
  ...asPlainUser,
  "unshare",
  "--user",
  "--map-root-user",
  "--",
];

/** Prefix to be root in a user namespace of 65,536 users: the plain user is its root, the others start at 200,000. */
export const asRootOfMany: readonly string[] = [
  "sh",
  "-ec",
  `${asPlainUser.join(" ")} unshare --user -- sh -c '
    until grep -q . /proc/self/uid_map && grep -q . /proc/self/gid_map; do sleep 0.02; done
    exec setpriv --reuid=0 --regid=0 --clear-groups -- "$@"' sh "$@" &
  until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.02; done
  printf '0 ${nobodyInParticular} 1\n1 200000 65535\n' > /proc/$!/uid_map
  printf '0 ${nobodyInParticular} 1\n1 200000 65535\n' > /proc/$!/gid_map
  wait $!`,
  "sh",
];
