// Runs the program where something was put in its way for real: mounts, limits and filters of this one process.

import { join } from "node:path";
import { execa } from "execa";
import { checkout, path, viewOfCheckout, type CliRun } from "./build.ts";
import type { PlainUser } from "./plain-user.ts";

export interface Injection {
  /** Shell text that root runs first, in a mount namespace of its own; `$WORK` is the folder, `$NAME` the user's name. */
  readonly setup?: string | undefined;
  /** What the program is started by: `["setpriv", "--no-new-privs"]`. */
  readonly wrap?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Starts `tsbuild` with the words in a folder, as root or as a plain user, behind the injection. */
export async function runInjected(
  words: readonly string[],
  { setup = ":", wrap = [], env = {} }: Injection,
  { folder, user }: { readonly folder: string; readonly user: PlainUser | undefined },
): Promise<CliRun> {
  const view = viewOfCheckout();
  const node = process.execPath.startsWith(`${checkout}/`)
    ? join(view, process.execPath.slice(checkout.length))
    : process.execPath;
  const variables = Object.entries({
    PATH: path,
    HOME: folder,
    TMPDIR: `${folder}/tmp`,
    TSBUILD_CACHEDIR: `${folder}/cache`,
    ...env,
  }).map(([name, value]) => `${name}=${value}`);
  const identity =
    user === undefined
      ? []
      : [
          "setpriv",
          `--reuid=${user.uid}`,
          `--regid=${user.gid}`,
          "--clear-groups",
          "--inh-caps=-all",
        ];
  const program = [
    ...wrap,
    "env",
    "-i",
    ...variables,
    node,
    join(view, "bin/tsbuild.cjs"),
    ...words,
  ];
  const shell = `mount --bind "$1" "$2"; WORK=$3 NAME=$4; shift 4\n${setup}\nexec "$@"`;
  const { exitCode, signal, stdout, stderr } = await execa(
    "unshare",
    [
      ["--mount", "--propagation=private", "sh", "-ec", shell, "sh"],
      [checkout, view, folder, user?.name ?? "root"],
      identity,
      program,
    ].flat(),
    { cwd: folder, reject: false, stdin: "ignore", stripFinalNewline: false, timeout: 60_000 },
  );
  return { exitCode, signal, stdout: stdout ?? "", stderr: stderr ?? "" };
}

/** Numbers of system calls of x86_64, for `withoutCalls`. */
export const calls = { unshare: 272, mount: 165, setns: 308, chroot: 161 } as const;

/** A user namespace in which every id is itself, as that of a container of the machine's root. */
const everyId = { owner: "", uidMap: "0 0 4294967295", gidMap: "0 0 4294967295" };

/**
 * What makes the rest of a shell's arguments run as root of a user namespace, of which a setting was changed first.
 * @param options.owner shell words that start a command as whose the namespace is
 */
export function inUserNamespace(setting: string, { owner, uidMap, gidMap } = everyId): string {
  return `
# Rights come with becoming another program once the ids are known.
wait='until grep -q . /proc/self/gid_map; do sleep 0.02; done; exec "$@"'
${owner} unshare --user --mount --propagation private sh -ec "$wait" sh sh -ec '${setting}; exec "$@"' sh "$@" &
until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.02; done
printf '${uidMap}\\n' > /proc/$!/uid_map
printf '${gidMap}\\n' > /proc/$!/gid_map
wait $!
exit $?`;
}

/** A command that starts another with a system call filter: these calls of x86_64 are answered with EPERM. */
export function withoutCalls(...numbers: readonly number[]): string[] {
  const newUser = 0x1000_0000;
  const clone = 56;
  const clone3 = 435;
  // load the number; each that is refused jumps to the end, clone(2) with a new user namespace too, clone3 isn't there.
  const tests = numbers.map((number, index) => [0x15, numbers.length - index + 4, 0, number]);
  const program = [
    [0x20, 0, 0, 0],
    ...tests,
    [0x15, 5, 0, clone3],
    [0x15, 0, 2, clone],
    [0x20, 0, 0, 16],
    [0x45, 1, 0, numbers.includes(272) ? newUser : 0],
    [0x06, 0, 0, 0x7fff_0000], // allow
    [0x06, 0, 0, 0x0005_0001], // EPERM
    [0x06, 0, 0, 0x0005_0026], // ENOSYS
  ];
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code = 0, jt = 0, jf = 0, k = 0], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  const loader = `
my $f = pack "H*", shift @ARGV;
my $p = pack "S x![Q] P", length($f) / 8, $f;
syscall(157, 22, 2, $p) == 0 or syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(157, 22, 2, $p) == 0 or die "no filter: $!";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!";`;
  return ["perl", "-e", loader, "--", bytes.toString("hex")];
}
