// Where a build may have to run, and as whom, made for real: with capabilities that are gone, system calls that are refused
// and user namespaces around.

import { calls, inUserNamespace, withoutCalls } from "./injected.ts";
import { plainUser } from "./plain-user.ts";

/** Turns an argument list into one that runs there. */
export type Place = (argv: readonly string[]) => string[];

export const asRoot: Place = (argv) => [...argv];

/** A plain user, perhaps somewhere else besides. */
export const asUser =
  (kind: "with ranges" | "without ranges", inner: Place = asRoot): Place =>
  (argv) =>
    plainUser(kind).command(inner(argv));

/** The capabilities that Docker gives to a container's root; the right to mount is not among them. */
const docker =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap"
    .split(",")
    .map((name) => `+${name}`)
    .join(",");

/** Root of a container that may not mount, but may make user namespaces. */
export const inOpenContainer: Place = (argv) => [
  "setpriv",
  `--bounding-set=-all,${docker}`,
  "--inh-caps=-all",
  "--",
  ...argv,
];

/** Root of a container that may neither mount nor make namespaces: Docker's capabilities and its system call filter. */
export const inContainer: Place = (argv) => [
  ...withoutCalls(calls.mount, calls.unshare, calls.setns),
  ...inOpenContainer(argv),
];

/** In a user namespace of the machine's root in which every id is itself, and a setting was changed. */
export const inNamespaceOfRoot =
  (inner: Place, setting = ":"): Place =>
  (argv) => ["sh", "-c", inUserNamespace(setting), "sh", ...inner(argv)];

/** Root of the user namespace that a plain user with a range makes, as rootless Podman does for a container. */
export const inRootlessContainer =
  (inner: Place): Place =>
  (argv) => {
    const user = plainUser("with ranges");
    const map = (own: number) => `0 ${own} 1\\n1 ${user.subordinateUid} 65535`;
    const container = {
      owner: user.command([]).join(" "),
      uidMap: map(user.uid),
      gidMap: map(user.gid),
    };
    return ["sh", "-c", inUserNamespace(":", container), "sh", ...inner(argv)];
  };

/** Where a plain user finds that no user namespaces may be made. */
export const withoutNamespaces: Place = inNamespaceOfRoot(
  asUser("without ranges"),
  "echo 0 > /proc/sys/user/max_user_namespaces",
);
