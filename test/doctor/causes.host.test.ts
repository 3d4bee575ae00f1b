// What can be in a build's way, put there for real: the doctor names it, and so does the build that meets it, with the
// same code and the same next step.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { inUserNamespace, runInjected, withoutCalls, type Injection } from "../helpers/injected.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

interface Case extends Injection {
  readonly title: string;
  readonly code: string;
  readonly who: "user" | "root";
  /** What an administrator is told to type. */
  readonly command?: RegExp;
  readonly hint?: RegExp;
  /** How the build starts; a root file system of busybox with a %post otherwise. */
  readonly definition?: string;
  /** The image that the doctor asks for. */
  readonly image?: string;
  readonly options?: readonly string[];
  readonly doctorOptions?: readonly string[];
  /** A build goes on with a warning. */
  readonly goesOn?: boolean;
  /** A build can't know: it shows there as something else, if at all. */
  readonly onlyDoctor?: true;
}

const hide = (...programs: string[]) =>
  `printf x > "$WORK/nothing"; chmod 644 "$WORK/nothing"; for P in ${programs.join(" ")}; do mount --bind "$WORK/nothing" "$(command -v $P)"; done`;
const insteadOf = (file: string, text: string) =>
  `printf '${text}' > "$WORK/instead"; chmod 644 "$WORK/instead"; mount --bind "$WORK/instead" ${file}`;
const temporary = (options: string) => `mount -t tmpfs -o mode=1777,${options} tsbuild "$WORK/tmp"`;
const fill = (folder: string) =>
  `head -c 200000000 /dev/zero > "${folder}/full" 2> /dev/null || true`;
const useUp = (folder: string) =>
  `N=0; while touch "${folder}/$N" 2> /dev/null; do N=$((N + 1)); done`;

const calls = { unshare: 272, mount: 165, setns: 308, chroot: 161 } as const;
const noCapabilities = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
const registry = "Bootstrap: docker\nFrom: 127.0.0.1:9/nothing:1\n";

const subid = ["--isolation", "subid"];
const root = ["--isolation", "root"];

const cases: readonly Case[] = [
  // Ways of isolation: what a plain user's build needs.
  {
    title: "an empty /etc/subuid",
    who: "user",
    setup: insteadOf("/etc/subuid", ""),
    code: "host/no-subuid",
    command: /^usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \S+$/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "an empty /etc/subgid",
    who: "user",
    setup: insteadOf("/etc/subgid", ""),
    code: "host/no-subuid",
    command: /^usermod /,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "an /etc/subuid with somebody else's range only",
    who: "user",
    setup: insteadOf("/etc/subuid", "nobodyelse:100000:65536\\n"),
    code: "host/no-subuid",
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "a range that is too small",
    who: "user",
    setup: insteadOf("/etc/subuid", "'\"$NAME\"':200000:100\\n"),
    code: "host/no-subuid",
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "an /etc/subuid of nonsense",
    who: "user",
    setup: insteadOf("/etc/subuid", "'\"$NAME\"':many:more\\n"),
    code: "host/no-subuid",
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "no newuidmap",
    who: "user",
    setup: hide("newuidmap"),
    code: "host/no-newuidmap",
    command: /uidmap|shadow/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "no newgidmap",
    who: "user",
    setup: hide("newgidmap"),
    code: "host/no-newuidmap",
    command: /uidmap|shadow/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "a newuidmap without its set-uid bit",
    who: "user",
    setup:
      'cp /usr/bin/newuidmap "$WORK/map"; chmod 755 "$WORK/map"; mount --bind "$WORK/map" /usr/bin/newuidmap',
    code: "host/newuidmap-rights",
    command: /^chmod u\+s \/usr\/bin\/newuidmap$/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "a newgidmap without its set-uid bit",
    who: "user",
    setup:
      'cp /usr/bin/newgidmap "$WORK/map"; chmod 755 "$WORK/map"; mount --bind "$WORK/map" /usr/bin/newgidmap',
    code: "host/newuidmap-rights",
    command: /^chmod u\+s \/usr\/bin\/newgidmap$/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "a newuidmap that is set-uid to a user other than root",
    who: "user",
    setup:
      'cp /usr/bin/newuidmap "$WORK/map"; chown 1 "$WORK/map"; chmod 4755 "$WORK/map"; mount --bind "$WORK/map" /usr/bin/newuidmap',
    code: "host/newuidmap-rights",
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "programs on a file system without set-uid",
    who: "user",
    setup: "mount --bind /usr/bin /usr/bin; mount -o remount,bind,nosuid /usr/bin",
    code: "host/newuidmap-nosuid",
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "no_new_privs",
    who: "user",
    wrap: ["setpriv", "--no-new-privs"],
    code: "host/no-new-privs",
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "user.max_user_namespaces=0",
    who: "user",
    setup: inUserNamespace("echo 0 > /proc/sys/user/max_user_namespaces"),
    code: "host/userns-limit",
    command: /^sysctl -w user\.max_user_namespaces=15000$/,
    options: subid,
    doctorOptions: subid,
  },
  ...["mnt", "pid", "ipc", "uts"].map((kind): Case => ({
    title: `user.max_${kind}_namespaces=0`,
    who: "user",
    setup: inUserNamespace(`echo 0 > /proc/sys/user/max_${kind}_namespaces`),
    code: "host/namespace-limit",
    command: new RegExp(`^sysctl -w user\\.max_${kind}_namespaces=15000$`),
    options: subid,
    doctorOptions: subid,
  })),
  {
    title: "a filter against user namespaces",
    who: "user",
    wrap: withoutCalls(calls.unshare),
    code: "host/userns-filtered",
    hint: /seccomp/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "a chroot, in which the kernel gives no user namespaces",
    who: "user",
    setup:
      'mkdir "$WORK/root"; mount --rbind / "$WORK/root"; chroot "$WORK/root" true; set -- chroot "$WORK/root" env -C "$WORK" "$@"',
    code: "host/userns-refused",
    options: subid,
    doctorOptions: subid,
  },
  // Programs.
  ...(["unshare", "mount", "setpriv"] as const).map((program): Case => ({
    title: `no ${program}`,
    who: "root",
    setup: hide(program),
    code: "host/program-missing",
    command: /util-linux/,
    // A machine's root has no weaker way.
    ...(program === "setpriv" ? { onlyDoctor: true as const, code: "" } : {}),
  })),
  {
    title: "no unshare, for a user",
    who: "user",
    setup: hide("unshare"),
    code: "host/program-missing",
    command: /util-linux/,
    options: subid,
    doctorOptions: subid,
  },
  {
    title: "busybox in place of unshare",
    who: "root",
    setup:
      'cp /bin/busybox "$WORK/unshare"; printf "#!/bin/sh\\nexec /bin/busybox unshare \\"\\$@\\"\\n" > "$WORK/unshare"; chmod 755 "$WORK/unshare"; mount --bind "$WORK/unshare" /usr/bin/unshare',
    code: "host/old-util-linux",
    command: /util-linux/,
    options: root,
    doctorOptions: root,
  },
  // Root with less than root's rights.
  {
    title: "root that may not mount",
    who: "root",
    wrap: withoutCalls(calls.mount),
    code: "host/mount-refused",
    options: root,
    doctorOptions: root,
  },
  {
    title: "root without any capability",
    who: "root",
    wrap: [...noCapabilities, "--"],
    code: "host/folder-owners",
    options: root,
    doctorOptions: root,
  },
  {
    title: "root of a namespace with one id",
    who: "user",
    wrap: ["unshare", "--user", "--map-root-user"],
    code: "host/container-rights",
    goesOn: true,
    options: root,
    doctorOptions: root,
  },
  // The folder for temporary files.
  {
    title: "a folder for temporary files that is not there",
    who: "user",
    env: { TMPDIR: "/nowhere/tmp" },
    code: "host/temporary-folder",
  },
  {
    title: "a file in place of the folder for temporary files",
    who: "root",
    env: { TMPDIR: "/etc/passwd" },
    code: "host/temporary-folder",
  },
  {
    title: "a folder for temporary files that only root can write",
    who: "user",
    setup: 'chown 0 "$WORK/tmp"; chmod 755 "$WORK/tmp"',
    code: "host/temporary-folder",
  },
  {
    title: "temporary files on a read-only file system",
    who: "root",
    setup: temporary("ro"),
    code: "host/temporary-folder",
  },
  {
    title: "temporary files on noexec",
    who: "root",
    setup: temporary("noexec"),
    code: "host/noexec",
  },
  {
    title: "temporary files on noexec, for a user",
    who: "user",
    setup: temporary("noexec"),
    code: "host/noexec",
  },
  {
    title: "no space for temporary files",
    who: "root",
    setup: `${temporary("size=1m")}; ${fill("$WORK/tmp")}`,
    code: "folder/no-space",
  },
  {
    title: "no inode for temporary files",
    who: "root",
    setup: `${temporary("nr_inodes=8")}; ${useUp("$WORK/tmp")}`,
    code: "host/temporary-folder",
  },
  {
    title: "few inodes for temporary files",
    who: "root",
    setup: temporary("nr_inodes=8"),
    code: "folder/no-space",
  },
  // The folder of the image.
  {
    title: "an image in a folder that only root can write",
    who: "user",
    setup: 'chown 0 "$WORK"; chmod 755 "$WORK"',
    code: "host/not-writable",
  },
  {
    title: "an image on a read-only file system",
    who: "root",
    setup:
      'mkdir "$WORK/ro"; mount -t tmpfs -o ro tsbuild "$WORK/ro"; set -- env -C "$WORK/ro" "$@"',
    code: "host/not-writable",
  },
  {
    title: "no space for the image",
    who: "root",
    setup: `mkdir "$WORK/small"; mount -t tmpfs -o size=64k tsbuild "$WORK/small"; ${fill("$WORK/small")}; set -- env -C "$WORK/small" "$@"`,
    code: "host/no-space",
  },
  // The cache.
  {
    title: "a cache that only root can write",
    who: "user",
    setup: 'mkdir "$WORK/cache"',
    definition: registry,
    code: "cache/not-writable",
    goesOn: true,
  },
  {
    title: "a file in place of the cache",
    who: "root",
    setup: 'printf x > "$WORK/cache"',
    definition: registry,
    code: "cache/not-writable",
    goesOn: true,
  },
  {
    title: "a cache on a read-only file system",
    who: "root",
    setup: 'mkdir "$WORK/cache"; mount -t tmpfs -o ro tsbuild "$WORK/cache"',
    definition: registry,
    code: "cache/not-writable",
    goesOn: true,
  },
  {
    title: "no space in the cache",
    who: "root",
    setup: `mkdir "$WORK/cache"; mount -t tmpfs -o size=64k tsbuild "$WORK/cache"; ${fill("$WORK/cache")}`,
    code: "cache/write",
    onlyDoctor: true,
  },
  // Registries.
  {
    title: "a proxy that is no address",
    who: "user",
    env: { HTTPS_PROXY: "proxy example", https_proxy: "proxy example" },
    definition: "Bootstrap: docker\nFrom: registry.example/nothing:1\n",
    code: "source/bad-proxy",
  },
  {
    title: "a proxy that nobody is behind",
    who: "user",
    env: { HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9" },
    definition: "Bootstrap: docker\nFrom: registry.example/nothing:1\n",
    image: "docker://registry.example/nothing:1",
    code: "source/unreachable",
  },
  {
    title: "a registry that is not there",
    who: "user",
    definition: registry,
    image: "docker://127.0.0.1:9/nothing:1",
    code: "source/unreachable",
  },
  {
    title: "logins that are no JSON",
    who: "user",
    env: { REGISTRY_AUTH_FILE: "/etc/passwd" },
    definition: registry,
    image: "127.0.0.1:9/nothing:1",
    code: "source/bad-login-store",
    onlyDoctor: true,
  },
  {
    title: "logins that can't be read",
    who: "user",
    env: { REGISTRY_AUTH_FILE: "/etc/shadow" },
    definition: registry,
    image: "127.0.0.1:9/nothing:1",
    code: "source/bad-login-store",
    onlyDoctor: true,
  },
  {
    title: "a registries.conf of nonsense",
    who: "user",
    env: { CONTAINERS_REGISTRIES_CONF: "/etc/passwd" },
    definition: registry,
    image: "127.0.0.1:9/nothing:1",
    code: "source/bad-registries-conf",
    goesOn: true,
  },
  {
    title: "certificates that can't be read",
    who: "user",
    env: { SSL_CERT_FILE: "/etc/shadow" },
    code: "host/certificates",
    onlyDoctor: true,
  },
  {
    title: "a folder of certificates that is not there",
    who: "user",
    env: { SSL_CERT_DIR: "/nowhere/certs" },
    code: "host/certificates",
    onlyDoctor: true,
  },
  // This process.
  {
    title: "no /proc",
    who: "root",
    setup: "mount -t tmpfs tsbuild /proc",
    code: "host/no-proc",
  },
  {
    title: "a variable that says that the build is in a namespace",
    who: "user",
    env: { TSBUILD_ENTERED: "subid:1:1:1" },
    code: "host/entered-elsewhere",
  },
  {
    title: "a time that is none",
    who: "user",
    env: { SOURCE_DATE_EPOCH: "yesterday" },
    code: "usage/timestamp",
  },
  {
    title: "a switch that is neither on nor off",
    who: "user",
    env: { APPTAINER_NOTEST: "maybe" },
    code: "usage/environment",
  },
  {
    title: "a way of isolation that there is not",
    who: "user",
    options: ["--isolation", "magic"],
    doctorOptions: ["--isolation", "magic"],
    code: "usage/isolation",
  },
  {
    title: "few open files",
    who: "root",
    wrap: ["prlimit", "--nofile=100", "--"],
    code: "host/process-limit",
    onlyDoctor: true,
  },
];

const plain = `Bootstrap: scratch
%files
    /bin/busybox /bin/sh
%post
    true
`;

test("at least forty causes end a build, and are named by it as by the doctor", (t) => {
  const ending = cases.filter(({ onlyDoctor, goesOn }) => onlyDoctor !== true && goesOn !== true);
  t.true(ending.length >= 40, String(ending.length));
});

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly command?: string;
}

const isPossible = canMakeUsers && isInstalled("busybox") && isInstalled("perl");

/** The tests of a file start all at once; these take their turn in lanes. */
const lanes: Promise<unknown>[] = [Promise.resolve(), Promise.resolve(), Promise.resolve()];

function inTurn(index: number, work: () => Promise<void>): Promise<void> {
  const lane = index % lanes.length;
  const turn = (lanes[lane] ?? Promise.resolve()).then(work);
  lanes[lane] = turn.catch(() => {});
  return turn;
}

for (const [index, one] of cases.entries()) {
  hostTest("root, users, busybox", isPossible, `${one.title} (${one.who})`, (t) =>
    inTurn(index, () => look(t, one)),
  );
}

async function look(t: ExecutionContext, one: Case): Promise<void> {
  const user = one.who === "user" ? plainUser("with ranges") : undefined;
  const prepare = async (): Promise<string> => {
    const folder = await scratch(t, user?.folder);
    mkdirSync(join(folder, "tmp"));
    writeFileSync(join(folder, "app.def"), one.definition ?? plain);
    if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
    return folder;
  };

  const place = await prepare();
  const asked = await runInjected(
    [
      "doctor",
      "--json",
      ...(one.doctorOptions ?? []),
      ...(one.image === undefined ? [] : [one.image]),
    ],
    one,
    { folder: place, user },
  );
  const log = `${asked.stdout}${asked.stderr}`;
  if (one.code === "") {
    t.is(asked.exitCode, 0, log);
    return;
  }
  const findings = foundIn(asked.stdout, asked.stderr);
  const finding = findings.find(({ code }) => code === one.code);
  t.truthy(finding, log);
  if (one.hint !== undefined) t.regex(finding?.hint ?? "", one.hint);
  if (one.command !== undefined) t.regex(finding?.command ?? "", one.command, log);
  if (one.onlyDoctor === true) return;

  const folder = await prepare();
  const built = await runInjected(
    ["build", "--progress=json", ...(one.options ?? []), "app.sif", join(folder, "app.def")],
    one,
    { folder, user },
  );
  const told = toldIn(built.stderr).filter(({ code }) => code === one.code);
  t.true(told.length > 0, `${built.stderr}\n${log}`);
  const places = (text: string | undefined) => text?.replaceAll(folder, "").replaceAll(place, "");
  t.true(
    told.some(({ hint }) => places(hint) === places(finding?.hint)),
    `${told.map(({ hint }) => hint).join("\n")}\n${finding?.hint}`,
  );
  if (one.goesOn !== true) t.not(built.exitCode, 0, built.stderr);
}

/** The doctor's findings, or what ended it. */
function foundIn(stdout: string, stderr: string): Told[] {
  if (stdout.startsWith("{")) return (JSON.parse(stdout) as { findings: Told[] }).findings;
  const [, code = ""] = /^code: (\S+)/m.exec(stderr) ?? [];
  const [, hint = ""] = /^hint: (.*)$/m.exec(stderr) ?? [];
  return [{ code, message: stderr, hint }];
}

/** Warnings and the error among the events of a build. */
function toldIn(stderr: string): Told[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Told & { type: string })
    .filter(({ type }) => type === "warning" || type === "error");
}
