// All that a script sees of the machine, as docs/scripts.md lists it: a thing that is not in the list is a mistake.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { checkout, path } from "../helpers/build.ts";
import { canMakeUsers } from "../helpers/plain-user.ts";
import { runDriver } from "../helpers/run-driver.ts";
import type { DriverAnswer } from "../helpers/script-driver.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const ways = ["root", "subid", "single"] as const;
const isPossible = canMakeUsers && isInstalled("busybox");

function wayTest(
  title: string,
  body: (t: ExecutionContext, way: (typeof ways)[number]) => Promise<void>,
): void {
  for (const way of ways) {
    hostTest("root, users, busybox", isPossible, `${way}: ${title}`, (t) => body(t, way));
  }
}

const script = `set +x
echo "== descriptors"
ls /proc/self/fd
echo "== input"; cat; readlink /proc/self/fd/0
echo "== terminal"; (: < /dev/tty) 2> /dev/null && echo yes || echo no
echo "== mounts"; while read -r _ AT TYPE _; do echo "$AT $TYPE"; done < /proc/self/mounts
echo "== dev"; ls /dev
echo "== hosts"; cat /etc/hosts
echo "== names"; cat /etc/resolv.conf
echo "== zone"; date +%Z; ls /etc/localtime 2> /dev/null || true
echo "== environment"; tr '\\0' '\\n' < /proc/self/environ
echo "== processes"; ls /proc | grep '^[0-9]' | while read -r P; do cat /proc/$P/comm 2> /dev/null || true; done
echo "== files"; ls -A /tmp /var/tmp /root
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

wayTest("a script sees what is documented, and nothing else of the machine", async (t, way) => {
  const answer = await runDriver(
    { way, scripts: [{ section: "post", body: script }] },
    secretsOfTheHost,
  );
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  const seen = parts(answer);

  // The last one is the folder that is listed.
  t.deepEqual(seen["descriptors"], ["0", "1", "2", "3"]);
  t.deepEqual(seen["input"], ["/dev/null"]);
  t.deepEqual(seen["terminal"], ["no"]);

  const mounts = (seen["mounts"] ?? []).map((line) => line.split(" "));
  const own = mounts.filter(([at = ""]) => !/^\/sys(?:\/|$)/.test(at) && !at.startsWith("/proc/"));
  const devices = ["full", "null", "random", "tty", "urandom", "zero"].map(
    (name) => `/dev/${name}`,
  );
  t.deepEqual(
    [...new Set(own.map(([at = ""]) => at))].toSorted(),
    "/ /dev /dev/mqueue /dev/pts /dev/shm /etc/hosts /etc/resolv.conf /proc /tmp /var/tmp"
      .split(" ")
      .concat(devices)
      .toSorted(),
  );
  t.is(
    seen["dev"]?.join(" "),
    "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
  );

  t.deepEqual(
    seen["hosts"]?.filter((line) => line !== ""),
    linesOf("/etc/hosts").filter((line) => line !== ""),
  );
  t.deepEqual(
    seen["names"]?.filter((line) => line !== ""),
    linesOf("/etc/resolv.conf").filter((line) => line !== ""),
  );
  t.deepEqual(seen["zone"], ["UTC"]);

  const environment = seen["environment"]?.join("\n") ?? "";
  for (const [name, value] of Object.entries(secretsOfTheHost)) {
    t.false(environment.includes(`${name}=`), name);
    if (value.length > 2) t.false(environment.includes(value), value);
  }
  t.deepEqual(
    seen["processes"]?.filter(
      (name) => !["sh", "busybox", "ls", "grep", "cat", "tr", "chroot"].includes(name),
    ),
    [],
  );
  t.deepEqual(
    seen["files"]?.filter((line) => line !== "" && !line.endsWith(":")),
    [],
  );
  for (const made of ["dev/null", "dev/pts", "run", "sys/kernel", "proc/self", "etc/localtime"]) {
    t.false(answer.paths.includes(made), made);
  }
});

wayTest("without a network there is a loopback, and nothing else", async (t, way) => {
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
});

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
