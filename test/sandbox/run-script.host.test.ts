import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { eventually, isRunning, processesWith } from "../helpers/processes.ts";
import { runDriver, startDriver } from "../helpers/run-driver.ts";
import { firstLine, type DriverAnswer, type DriverRequest } from "../helpers/script-driver.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const ways = ["root", "subid", "single"] as const;
const isPossible = canMakeUsers && isInstalled("busybox");

function wayTest(
  title: string,
  body: (t: ExecutionContext, way: (typeof ways)[number]) => Promise<void>,
): void {
  for (const way of ways) {
    hostTest("root, busybox", isPossible, `${way}: ${title}`, (t) => body(t, way));
  }
}

/** For what does not depend on the way. */
function oneWayTest(
  way: (typeof ways)[number],
  title: string,
  body: (t: ExecutionContext, way: (typeof ways)[number]) => Promise<void>,
): void {
  hostTest("root, busybox", isPossible, `${way}: ${title}`, (t) => body(t, way));
}

/** Runs one `%post`. */
const post = (
  way: string,
  body: string,
  more: Partial<DriverRequest> = {},
): Promise<DriverAnswer> => runDriver({ way, scripts: [{ section: "post", body }], ...more });

const succeeded = (t: ExecutionContext, answer: DriverAnswer): void => {
  t.is(answer.error, undefined, answer.stderr.join("\n"));
};

wayTest("%post has exactly Apptainer's environment, folder, umask and input", async (t, way) => {
  const answer = await runDriver(
    {
      way,
      scripts: [
        {
          section: "post",
          body: "env; echo $0; pwd; umask; readlink /proc/self/fd/0; id -u; id -g\n",
        },
      ],
    },
    { HOSTVAR: "x", TERM: "vt100", APPTAINERENV_GIVEN: "g v", https_proxy: "http://p" },
  );
  succeeded(t, answer);
  const environment = answer.stdout.slice(0, -6).toSorted();
  const container = environment.find((line) => line.startsWith("APPTAINER_CONTAINER="))?.slice(20);
  t.regex(container ?? "", /\/rootfs$/);
  t.deepEqual(environment, [
    "APPTAINER_APPNAME=",
    "APPTAINER_BIND=/etc/resolv.conf,/etc/hosts",
    "APPTAINER_COMMAND=exec",
    `APPTAINER_CONTAINER=${container}`,
    "APPTAINER_ENVIRONMENT=/.singularity.d/env/91-environment.sh",
    "APPTAINER_LABELS=/.build.labels",
    "APPTAINER_NAME=rootfs",
    "GIVEN=g v",
    "HOME=/root",
    "LANG=C",
    "LD_LIBRARY_PATH=/.singularity.d/libs",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    'PROMPT_COMMAND=PS1="Apptainer> "; unset PROMPT_COMMAND',
    "PS1=Apptainer> ",
    "PWD=/",
    // busybox itself counts levels.
    "SHLVL=1",
    "SINGULARITY_BIND=/etc/resolv.conf,/etc/hosts",
    `SINGULARITY_CONTAINER=${container}`,
    "SINGULARITY_ENVIRONMENT=/.singularity.d/env/91-environment.sh",
    "SINGULARITY_LABELS=/.build.labels",
    "SINGULARITY_NAME=rootfs",
    "TERM=vt100",
    "https_proxy=http://p",
  ]);
  t.deepEqual(answer.stdout.slice(-6), ["/.post.script", "/", "0002", "/dev/null", "0", "0"]);
});

oneWayTest(
  "root",
  "the base image's environment scripts count in %post, damaged ones do not",
  async (t, way) => {
    const answer = await post(way, 'echo "$PATH|$A|$B|$C|$X"\n', {
      files: {
        ".singularity.d/env/10-docker2singularity.sh":
          "export PATH=/opt/bin:/bin\nexport A=docker\nset -- changed\n",
        ".singularity.d/env/20-damaged.sh": "export B=b\nif\n",
        ".singularity.d/env/90-environment.sh": "export C=$A-c\nX=not-exported\nfalse\n",
      },
    });
    succeeded(t, answer);
    t.deepEqual(answer.stdout, [
      "/opt/bin:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin|docker||docker-c|",
    ]);
  },
);

wayTest("owners, modes and links of what %post makes arrive in the tree", async (t, way) => {
  const body = [
    "touch /owned /set; chown 33:44 /owned; chmod 4755 /set; mkdir -m 0 /closed; touch /closed/in",
    "ln /owned /second; ln -s nowhere /link; mkfifo /pipe; mkdir /new",
    "mknod /disk b 8 0 || true",
    "cat /proc/1/cmdline > /dev/null; cat /.post.script > /script",
  ].join("\n");
  const look = [
    "owned",
    "second",
    "set",
    "closed",
    "closed/in",
    "link",
    "pipe",
    "script",
    "new",
    "disk",
  ];
  const { nodes, paths, ...answer } = await post(way, body, { look });
  succeeded(t, answer as DriverAnswer);
  const owner = { uid: 33, gid: 44 };
  t.like(nodes["owned"], { type: "file", mode: "664", ...owner });
  t.like(nodes["second"], { type: "file", ...owner });
  t.like(nodes["set"], { mode: "4755", uid: 0, gid: 0 });
  t.like(nodes["closed"], { type: "directory", mode: "0" });
  t.like(nodes["closed/in"], { type: "file" });
  t.like(nodes["new"], { mode: "775" });
  t.like(nodes["link"], { type: "symlink" });
  t.like(nodes["pipe"], { type: "fifo" });
  t.is(nodes["disk"]?.type, "block-device");
  t.truthy(nodes["script"]);
  t.false(paths.includes(".post.script"));
});

wayTest(
  "mounts: private /tmp and /dev, copies of resolv.conf and hosts, a /sys that stays as it is",
  async (t, way) => {
    const body = `
echo x > /tmp/f; echo x > /var/tmp/f; stat -c '%a' /tmp /var/tmp
echo added >> /etc/resolv.conf; echo 1.2.3.4 added >> /etc/hosts; tail -n 2 /etc/hosts
echo x > /dev/null; echo x > /dev/shm/x; test -c /dev/tty; ls /dev/pts/ptmx > /dev/null
echo to-stdout > /dev/stdout; echo to-stderr > /dev/stderr
if touch /sys/x; then exit 41; fi
if mkdir /sys/fs/cgroup/x; then exit 42; fi
if echo x > /proc/sys/kernel/hostname; then exit 43; fi
hostname changed
rm /etc/resolv.conf || echo busy
mkdir /m; mount -t tmpfs x /m; touch /m/inside
`;
    const answer = await post(way, body, { look: ["etc/resolv.conf", "etc/hosts"] });
    succeeded(t, answer);
    t.deepEqual(answer.stdout, ["1777", "1777", "", "1.2.3.4 added", "to-stdout", "busy"]);
    t.true(answer.stderr.includes("to-stderr"));
    for (const path of ["tmp/f", "var/tmp/f", "dev/null", "dev/shm", "m/inside"]) {
      t.false(answer.paths.includes(path), path);
    }
    t.not(hostname(), "changed");
    t.false(readFileSync("/etc/hosts", "utf8").includes("1.2.3.4 added"));
  },
);

oneWayTest(
  "root",
  "places that a mount needs are made, links followed inside, and all of it is gone after",
  async (t, way) => {
    const answer = await post(
      way,
      "cat /etc/resolv.conf > /dev/null; cat /mnt/deep/data; if touch /mnt/deep/x; then exit 41; fi\n",
      {
        files: {
          "etc/resolv.conf": "->../run/systemd/resolve/stub-resolv.conf",
          "etc/hosts": "->/nowhere/hosts",
        },
        binds: [{ source: bindSource(), destination: "/mnt/deep", readOnly: true }],
      },
    );
    succeeded(t, answer);
    t.deepEqual(answer.stdout, ["bound"]);
    for (const path of ["run", "nowhere", "mnt"]) t.false(answer.paths.includes(path), path);
    t.false(existsSync("/nowhere"));
  },
);

oneWayTest("single", "a writable bind can be written, a bound file too", async (t, way) => {
  const folder = bindSource();
  const target = plainUser("with ranges").folder;
  t.truthy(target);
  const answer = await post(way, "cat /file; cat /etc/hosts; test -d /data\n", {
    binds: [
      { source: join(folder, "data"), destination: "/file", readOnly: false },
      { source: join(folder, "data"), destination: "/etc/hosts", readOnly: false },
      { source: folder, destination: "/data", readOnly: false },
    ],
  });
  succeeded(t, answer);
  t.deepEqual(answer.stdout, ["bound", "bound"]);
});

oneWayTest(
  "root",
  "a failing command is named with its line, status and the last output",
  async (t, way) => {
    const body = "echo one\nif true; then\n  ls /nowhere -l   # not there\nfi\n";
    const { error } = await post(way, body);
    t.like(error, { name: "ScriptError", code: "script/failed", exitCode: 5 });
    t.is(error?.message, "%post failed with status 1 at: ls /nowhere -l");
    t.deepEqual(error?.location, { file: "test.def", line: firstLine + 2, column: 3, length: 28 });
    t.true(error?.details.includes("ls: /nowhere: No such file or directory"));
  },
);

oneWayTest("root", "ends as Apptainer's shell options and -c have it", async (t, way) => {
  const options = (words: string[], body: string) =>
    runDriver({
      way,
      scripts: [{ section: "post", body, interpreter: { kind: "options", words } }],
    });
  const command = (text: string, body: string) =>
    runDriver({
      way,
      scripts: [{ section: "post", body, interpreter: { kind: "command", text } }],
    });
  t.regex(
    (await options(["-u"], 'echo "[$UNSET]"\n')).error?.message ?? "",
    /%post failed with status 2/,
  );
  t.deepEqual((await options(["+e"], "false\necho hi\n")).stdout, ["hi"]);
  t.like((await options(["foo"], "echo hi\n")).error, { code: "script/failed" });
  t.deepEqual((await command("/bin/sh", "false\necho still $0\n")).stdout, ["still /.post.script"]);
  const missing = await command("/usr/bin/python3 -u", "print(1)\n");
  t.regex(missing.error?.message ?? "", /status 127/);
  t.regex(missing.error?.hint ?? "", /python3/);
});

oneWayTest("root", "what a script leaves running is gone at its end", async (t, way) => {
  const mark = `98765${ways.indexOf(way)}${process.pid}`;
  const answer = await post(
    way,
    `(setsid sleep ${mark} &) ; nohup sleep ${mark} > /dev/null 2>&1 & echo on\n`,
  );
  succeeded(t, answer);
  t.deepEqual(answer.stdout, ["on"]);
  await t.notThrowsAsync(eventually(() => processesWith(mark).length === 0));
});

oneWayTest("root", "a script that kills itself is told by status", async (t, way) => {
  t.regex(
    (await post(way, "kill -9 $$\n")).error?.message ?? "",
    /%post failed with status 137 at: kill -9/,
  );
  t.regex((await post(way, "sh -c 'kill -TERM $$'\n")).error?.message ?? "", /status 143/);
});

for (const [way, signal] of [
  ["root", "SIGINT"],
  ["subid", "SIGTERM"],
  ["single", "SIGINT"],
] as const) {
  oneWayTest(
    way,
    `${signal} ends the script, lets it clean up, and leaves nothing`,
    async (t, way) => {
      const mark = `87654${ways.indexOf(way)}${process.pid}${signal.length}`;
      const driver = startDriver({
        way,
        scripts: [
          {
            section: "post",
            body: `trap 'echo TELL cleaned; exit 9' TERM\n(setsid sleep ${mark} &)\necho TELL up\nsleep ${mark} &\nwait\n`,
          },
        ],
      });
      t.is(await driver.nextLine(), "up");
      driver.child.kill(signal);
      t.is(await driver.nextLine(), "cleaned");
      const answer = await driver.answer;
      t.like(answer?.error, { code: "interrupted", exitCode: signal === "SIGINT" ? 130 : 143 });
      await t.notThrowsAsync(eventually(() => processesWith(mark).length === 0));
      t.deepEqual(
        readdirSync(driver.folder).filter((name) => name.startsWith("tsbuild-")),
        [],
      );
    },
  );
}

wayTest("SIGKILL leaves no process, no mount and no folder", async (t, way) => {
  const mark = `76543${ways.indexOf(way)}${process.pid}`;
  const driver = startDriver({
    way,
    scripts: [{ section: "post", body: `(setsid sleep ${mark} &)\necho TELL up\nsleep ${mark}\n` }],
  });
  t.is(await driver.nextLine(), "up");
  const children = processesWith(mark);
  t.true(children.length >= 2);
  driver.child.kill("SIGKILL");
  await driver.ended;
  await t.notThrowsAsync(eventually(() => !children.some((pid) => isRunning(pid))));
  await t.notThrowsAsync(eventually(() => processesWith(mark).length === 0));
  t.false(readFileSync("/proc/self/mountinfo", "utf8").includes(driver.folder));
  const left = () => readdirSync(driver.folder).filter((name) => name.startsWith("tsbuild-"));
  await t.notThrowsAsync(eventually(() => left().length === 0, 15_000));
});

hostTest(
  "root, busybox",
  isPossible,
  "with a setpriv that can't do it, SIGKILL still leaves no process",
  async (t) => {
    const mark = `1111${process.pid}`;
    const program = `
      import { mkdirSync } from "node:fs";
      import { readHostFacts } from "./src/isolation/host-facts.ts";
      import { namespaceIsolation } from "./src/isolation/namespace-isolation.ts";
      import { Sandbox } from "./src/sandbox/sandbox.ts";
      import { makeBusyboxRoot } from "./test/helpers/busybox-root.ts";
      const facts = { ...(await readHostFacts("/tmp", process.env, undefined)), setprivOptions: [] };
      const isolation = namespaceIsolation("root", facts, "lost");
      const sandbox = await Sandbox.create({ temporaryFolder: process.env.TMPDIR, isolation });
      mkdirSync(sandbox.rootFolder);
      makeBusyboxRoot(sandbox.rootFolder);
      const body = "(setsid sleep ${mark} &)\\necho up\\nsleep ${mark}\\n";
      const location = { file: "x", line: 1, column: 1, length: 0 };
      await sandbox.run({ section: "post", body, interpreter: { kind: "options", words: [] }, location, lines: [] }, {
        environment: {}, binds: [], network: "host", limits: {}, secrets: [], mask: (text) => text, writableTmpfs: false, signal: new AbortController().signal,
        onLine: (stream, line) => console.log(line),
      });`;
    const folder = bindSource();
    const child = spawn(
      process.execPath,
      ["--no-warnings", "--input-type=module-typescript", "-e", program],
      { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, TMPDIR: folder } },
    );
    let output = "";
    child.stdout.on("data", (bytes: Buffer) => {
      output += bytes.toString();
    });
    await eventually(() => output.includes("up\n"), 60_000);
    await eventually(() => processesWith(mark).length >= 3);
    child.kill("SIGKILL");
    await t.notThrowsAsync(eventually(() => processesWith(mark).length === 0));
  },
);

wayTest("%test sees a root that can't be written and the host's variables", async (t, way) => {
  const script =
    '#!/bin/sh\n\necho "[$HOSTVAR] [$SET] $HOME $0"\nfalse\ntouch /x || echo read-only\ntouch /tmp/y && echo tmp\n';
  const request: DriverRequest = {
    way,
    scripts: [{ section: "test", body: script.slice(11) }],
    files: {
      ".singularity.d/test": script,
      ".singularity.d/env/90-environment.sh": "export SET=image\n",
    },
  };
  const answer = await runDriver(request, { HOSTVAR: "h", SET: "host" });
  succeeded(t, answer);
  t.deepEqual(answer.stdout, ["[h] [image] /root /.singularity.d/test", "read-only", "tmp"]);
  t.false(answer.paths.includes("x"));
  const writable = await runDriver({ ...request, writableTmpfs: true }, { HOSTVAR: "h" });
  succeeded(t, writable);
  t.deepEqual(writable.stdout.slice(1), ["tmp"]);
  t.false(writable.paths.includes("x"));
});

oneWayTest(
  "root",
  "a failing %test gives the line of a complaint, and without a test nothing is run",
  async (t, way) => {
    const body = "true\nset -u\necho $NOT_SET\n";
    const answer = await runDriver({
      way,
      scripts: [{ section: "test", body }],
      files: { ".singularity.d/test": `#!/bin/sh\n\n${body}\n` },
    });
    t.like(answer.error, { code: "script/failed", message: "%test failed with status 2" });
    t.is(answer.error?.location?.line, firstLine + 2);
    succeeded(t, await runDriver({ way, scripts: [{ section: "test", body }] }));
  },
);

oneWayTest("single", "without a network there is only the loopback device", async (t, way) => {
  const answer = await post(
    way,
    "ls /sys/class/net; cat /proc/net/dev | wc -l; ping -c 1 127.0.0.1 > /dev/null && echo up\n",
    {
      network: "none",
    },
  );
  succeeded(t, answer);
  t.is(answer.stdout.at(-2), "3");
  t.is(answer.stdout.at(-1), "up");
});

wayTest(
  "%pre and %setup run on the host, in the folder of the build, with the place of the root",
  async (t, way) => {
    const body =
      'pwd\numask\necho "$HOSTVAR $APPTAINER_ENVIRONMENT"\ntest "$SINGULARITY_ROOTFS" = "$APPTAINER_ROOTFS"\ntouch "$APPTAINER_ROOTFS/made"; chown 7:8 "$APPTAINER_ROOTFS/made"\nls /nowhere\n';
    const answer = await runDriver(
      { way, scripts: [{ section: "setup", body }], look: ["made"] },
      { HOSTVAR: "h" },
    );
    t.is(answer.stdout[1], "0002");
    t.is(answer.stdout[2], "h /.singularity.d/env/91-environment.sh");
    t.like(answer.nodes["made"], { uid: 7, gid: 8 });
    t.like(answer.error, { code: "script/failed" });
    t.regex(answer.error?.message ?? "", /^%setup failed with status \d at: ls \/nowhere$/);
    t.is(answer.error?.location?.line, firstLine + 5);
  },
);

oneWayTest(
  "root",
  "a root without a shell, and one whose shell can't be started, are told apart from a failing script",
  async (t, way) => {
    const none = await post(way, "true\n", { files: { "bin/sh": "->/nowhere/sh" } });
    t.like(none.error, { code: "script/no-shell" });
    t.regex(none.error?.message ?? "", /there is none/);
    const foreign = await post(way, "true\n", {
      files: { "bin/other": "\u0001no program", "bin/sh": "->other" },
    });
    t.like(foreign.error, { code: "script/no-shell" });
    t.regex(foreign.error?.message ?? "", /Exec format error/);
  },
);

oneWayTest("subid", "a bind of what is not there, or is closed, names it", async (t, way) => {
  for (const [source, reason] of [
    ["/nowhere", /there is no such file/],
    ["/root/x", /you may not read it/],
  ] as const) {
    const { error } = await post(way, "true\n", {
      binds: [{ source, destination: "/d", readOnly: false }],
    });
    t.like(error, { name: "HostError", code: "host/bind-source" });
    t.regex(error?.message ?? "", reason);
  }
});

let source: string | undefined;

/** A folder that everybody may read, with a file in it. */
function bindSource(): string {
  if (source === undefined) {
    source = join(plainUser("with ranges").folder, "bind source");
    mkdirSync(source);
    writeFileSync(join(source, "data"), "bound\n");
  }
  return source;
}
