// All that a script sees of the machine, as docs/scripts.md lists it: a thing that is not in the list is a mistake.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { defaultPath } from "../../src/sandbox/script-environment.ts";
import { checkout, path } from "../helpers/build.ts";
import { canMakeUsers } from "../helpers/plain-user.ts";
import { runDriver } from "../helpers/run-driver.ts";
import type { DriverAnswer } from "../helpers/script-driver.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const ways = ["root", "subid", "ident", "single", "bwrap", "chroot", "proot"] as const;
type WayName = (typeof ways)[number];
const isPossible =
  canMakeUsers && ["busybox", "bwrap", "proot", "perl"].every((name) => isInstalled(name));

function wayTest(
  title: string,
  body: (t: ExecutionContext, way: WayName) => Promise<void>,
  some: readonly WayName[] = ways,
): void {
  for (const way of some) {
    hostTest("root, users, busybox, bwrap, proot", isPossible, `${way}: ${title}`, (t) =>
      body(t, way),
    );
  }
}

// Where there is no /proc, a descriptor is open if it can be copied.
const script = `set +x
echo "== descriptors"
if [ -e /proc/self ]; then ls /proc/self/fd
else for N in $(seq 0 9); do if (: <&$N) 2> /dev/null; then echo $N; fi; done; fi
echo "== input"; cat; readlink /proc/self/fd/0 || true
echo "== terminal"; (: < /dev/tty) 2> /dev/null && echo yes || echo no
echo "== mounts"
if [ -e /proc/self ]; then while read -r _ AT TYPE _; do echo "$AT"; done < /proc/self/mounts; fi
echo "== dev"; ls /dev
echo "== hosts"; cat /etc/hosts
echo "== names"; cat /etc/resolv.conf
echo "== zone"; date +%Z; ls /etc/localtime 2> /dev/null || true
echo "== environment"; env
echo "== processes"; ls /proc | grep '^[0-9]' | while read -r P; do cat /proc/$P/comm 2> /dev/null || true; done
echo "== files"; ls -A /tmp /var/tmp /root
echo "== root"; ls -A /
`;

const linesOf = (file: string) =>
  (existsSync(file) ? readFileSync(file, "utf8") : "").trimEnd().split("\n");

/** The lines below each heading. */
function parts({ stdout }: DriverAnswer): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  let current: string[] = [];
  for (const line of stdout) {
    if (line.startsWith("== ")) found[line.slice(3)] = current = [];
    else current.push(line);
  }
  return found;
}

const secretsOfTheHost = {
  HOST_TOKEN: "t0ken",
  AWS_SECRET_ACCESS_KEY: "k3y",
  TZ: "Pacific/Auckland",
  LC_ALL: "de_DE.UTF-8",
  SSH_AUTH_SOCK: "/run/agent",
  DISPLAY: ":0",
  XDG_RUNTIME_DIR: "/run/user/0",
  LD_PRELOAD_X: "x",
  NODE_OPTIONS: "",
  BASH_ENV: "/etc/profile",
};

/** Names of variables; with `TERM` where who builds has it. */
const documented =
  "APPTAINER_APPNAME APPTAINER_BIND APPTAINER_COMMAND APPTAINER_CONTAINER APPTAINER_ENVIRONMENT APPTAINER_LABELS APPTAINER_NAME HOME LANG LD_LIBRARY_PATH PATH PROMPT_COMMAND PS1 PWD SINGULARITY_BIND SINGULARITY_CONTAINER SINGULARITY_ENVIRONMENT SINGULARITY_LABELS SINGULARITY_NAME TERM".split(
    " ",
  );
const folders = ".post.script .singularity.d bin dev etc proc root sys tmp usr var".split(" ");
const usualDevices = "full null random tty urandom zero".split(" ");
const places = "/ /dev /dev/pts /etc/hosts /etc/resolv.conf /proc /tmp /var/tmp"
  .split(" ")
  .concat(usualDevices.map((name) => `/dev/${name}`));
const links = ["fd", "stderr", "stdin", "stdout"];

interface Seen {
  /** Undefined where a script can't know, or sees the machine's. */
  readonly mounts?: readonly string[];
  readonly devices: readonly string[];
  /** In the root folder, besides what is in every one. */
  readonly folders?: readonly string[];
  readonly path?: string;
}

const strong: Seen = {
  mounts: [...places, "/dev/mqueue", "/dev/shm"],
  devices: [...usualDevices, ...links, "mqueue", "ptmx", "pts", "shm"],
};

/** As the tables of docs/scripts.md have it. */
const seenBy: Readonly<Record<WayName, Seen>> = {
  root: strong,
  subid: strong,
  ident: strong,
  single: strong,
  bwrap: {
    mounts: [...places, "/.tsbuild/filter-loader-witnessed"],
    devices: [...usualDevices, ...links, "core", "ptmx", "pts", "shm"],
    folders: [".tsbuild"],
  },
  chroot: { devices: [...usualDevices, ...links, "pts", "shm"] },
  proot: {
    devices: readdirSync("/dev"),
    folders: [".tsbuild"],
    path: "/.tsbuild:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  },
};

const withoutEmpty = (lines: readonly string[] = []) => lines.filter((line) => line !== "");

wayTest("a script sees what is documented, and nothing else of the machine", async (t, way) => {
  const answer = await runDriver(
    { way, scripts: [{ section: "post", body: script }] },
    { ...secretsOfTheHost, TERM: "vt100" },
  );
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  t.is(answer.way, way);
  const seen = parts(answer);
  const expected = seenBy[way];
  const hasProc = way !== "chroot";

  // The last one is the folder that is listed.
  t.deepEqual(seen["descriptors"], ["0", "1", "2", ...(hasProc ? ["3"] : [])]);
  t.deepEqual(seen["input"], hasProc ? ["/dev/null"] : []);
  t.deepEqual(seen["terminal"], ["no"]);

  if (expected.mounts !== undefined) {
    const own = seen["mounts"]?.filter(
      (at) => !/^\/sys(?:\/|$)/.test(at) && !at.startsWith("/proc/"),
    );
    t.deepEqual([...new Set(own)].toSorted(), expected.mounts.toSorted());
    t.deepEqual(
      seen["processes"]?.filter(
        (name) => !["sh", "busybox", "ls", "grep", "cat", "env", "chroot", "bwrap"].includes(name),
      ),
      [],
    );
  }
  t.deepEqual(seen["dev"], expected.devices.toSorted());
  t.deepEqual(seen["root"], [...folders, ...(expected.folders ?? [])].toSorted());

  t.deepEqual(withoutEmpty(seen["hosts"]), withoutEmpty(linesOf("/etc/hosts")));
  t.deepEqual(withoutEmpty(seen["names"]), withoutEmpty(linesOf("/etc/resolv.conf")));
  t.deepEqual(seen["zone"], ["UTC"]);

  const variables = new Map(
    seen["environment"]?.map((line) => [
      line.slice(0, line.indexOf("=")),
      line.slice(line.indexOf("=") + 1),
    ]),
  );
  // The shell of busybox has one of its own.
  t.deepEqual([...variables.keys()].filter((name) => name !== "SHLVL").toSorted(), documented);
  t.is(variables.get("TERM"), "vt100");
  t.is(variables.get("PATH"), expected.path ?? defaultPath);
  for (const value of Object.values(secretsOfTheHost)) {
    if (value.length > 2)
      t.false(
        [...variables.values()].some((text) => text.includes(value)),
        value,
      );
  }
  t.deepEqual(
    withoutEmpty(seen["files"]).filter((line) => !line.endsWith(":")),
    [],
  );
  for (const made of [
    ".post.script",
    ".tsbuild",
    "dev/null",
    "dev/pts",
    "etc/localtime",
    "proc/self",
    "run",
    "sys/kernel",
  ]) {
    t.false(answer.paths.includes(made), made);
  }
});

wayTest(
  "without a network there is a loopback, and nothing else",
  async (t, way) => {
    const body = `set +x
cat /proc/net/dev | grep -c : ; ifconfig lo | grep -c UP
nc -l -p 7777 -e /bin/echo through &
sleep 0.3; nc 127.0.0.1 7777 < /dev/null
cat /etc/resolv.conf
nc -w 1 192.0.2.1 80 < /dev/null 2> /dev/null || echo unreachable
`;
    const answer = await runDriver({ way, network: "none", scripts: [{ section: "post", body }] });
    t.is(answer.error, undefined, answer.stderr.join("\n"));
    t.deepEqual(answer.stdout, ["1", "1", "through", "unreachable"]);
    t.deepEqual(answer.warnings, []);
  },
  ["root", "subid", "ident", "single", "bwrap"],
);

hostTest(
  "root, busybox",
  isPossible,
  "the loopback needs neither ip nor ifconfig on the machine",
  async (t) => {
    const folder = await scratch(t);
    // The programs of this machine but those two.
    const programs = join(folder, "programs");
    mkdirSync(programs);
    for (const from of ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]) {
      await execa("sh", [
        "-c",
        `for F in "$1"/*; do case "\${F##*/}" in ip|ifconfig|busybox) ;; *) [ -e "$2/\${F##*/}" ] || ln -s "$F" "$2/\${F##*/}" ;; esac; done`,
        "sh",
        from,
        programs,
      ]);
    }
    writeFileSync(
      join(folder, "app.def"),
      "Bootstrap: scratch\n%files\n    /bin/busybox /bin/sh\n    /bin/busybox /bin/grep\n%post\n    grep ' lo$' /proc/net/if_inet6 || grep 127.0.0.1 /proc/net/fib_trie\n",
    );
    const hide =
      'for P in ip ifconfig; do Q=$(command -v $P) && mount --bind /etc/hostname "$Q"; done; PATH=$1; shift; exec "$@"';
    const run = await execa(
      "unshare",
      [
        ["--mount", "--propagation=private", "sh", "-c", hide, "sh", programs],
        [process.execPath, join(checkout, "bin/tsbuild.cjs")],
        ["build", "--network", "none", "app.sif", "app.def"],
      ].flat(),
      { cwd: folder, reject: false, env: { TMPDIR: folder }, all: true },
    );
    t.is(run.exitCode, 0, run.all);
    t.false(run.all.includes("no-loopback"), run.all);
    t.regex(run.all, /\blo\b|127\.0\.0\.1/);
  },
);

hostTest(
  "root, busybox, bash",
  isPossible && isInstalled("bash"),
  "open files of whoever starts a build don't reach its scripts",
  async (t) => {
    const folder = await scratch(t);
    writeFileSync(
      join(folder, "app.def"),
      "Bootstrap: scratch\n%files\n    /bin/busybox /bin/sh\n    /bin/busybox /bin/ls\n%setup\n    ls -l /proc/self/fd\n%post\n    ls -l /proc/self/fd\n",
    );
    const open = 'exec 7< /etc/passwd 40< /etc/passwd 200< /etc/passwd; exec "$@"';
    const program = [
      process.execPath,
      join(checkout, "bin/tsbuild.cjs"),
      "build",
      "app.sif",
      "app.def",
    ];
    const run = await execa("bash", ["-c", open, "bash", ...program], {
      cwd: folder,
      env: { PATH: path, TMPDIR: folder },
      reject: false,
    });
    t.is(run.exitCode, 0, run.stderr);
    t.false(run.stdout.includes("passwd"), run.stdout);
    t.regex(run.stdout, /0 -> \/dev\/null/);
  },
);
