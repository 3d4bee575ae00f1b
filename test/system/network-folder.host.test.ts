// Builds whose folders lie on NFS: where scripts can't be right it is said before anything is done, with a way out; all
// else works. Linux's own server judges, for root whom it believes and whom it doesn't, and for plain users.

import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { checkout } from "../helpers/build.ts";
import {
  canStartMachines,
  machinePrograms,
  mountNfs,
  network,
  serveNfs,
  type Machine,
  type Ran,
} from "../helpers/machines.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

const needs = [...machinePrograms, "busybox", "unsquashfs", "setpriv"];
const isMet = canStartMachines() && needs.every(isInstalled);
const ends: (() => unknown)[] = [];
let machine: Machine;

const plain = `Bootstrap: scratch
%files
    /bin/busybox /bin/busybox
    /bin/busybox /bin/sh
    /etc/passwd /etc/passwd
`;
const withScript = `${plain}
%post
    B=/bin/busybox
    $B mkdir -m 555 /closed
    echo one > /closed/given
    $B chown 5:6 /closed/given
    echo two >> /closed/given
    $B chmod 4750 /closed/given
    echo x > /secret
    $B chmod 000 /secret
    echo y > /secret
`;

/** While somebody outside has a file open, and until they say so. */
const withOpenFile = `${plain}
%post
    B=/bin/busybox
    echo open > /held
    until [ -e /go ]; do $B sleep 0.1; done
    $B rm /go
`;

const files = { "plain.def": plain, "script.def": withScript, "open.def": withOpenFile };

test.before(async (t) => {
  if (process.env["CI"] === undefined && !isMet) return;
  const all = { teardown: (end: () => unknown) => ends.push(end) } as unknown as ExecutionContext;
  const net = await network(all);
  const [server, client] = await Promise.all([
    net.start("server", { memoryMiB: 512 }),
    net.start("client"),
  ]);
  machine = client;
  await serveNfs(server);
  await mountNfs(client, server, { version: "4.2" });
  const write = Object.entries(files).map(
    ([name, text]) => `cat > /tmp/${name} <<'DEFINITION'\n${text}DEFINITION`,
  );
  const made = await client.run(`set -e
${write.join("\n")}
mkdir -m 1777 /tmp/net/{open,squashed}/{tmp,out} /tmp/home
# A user with a range of ids and one without.
mkdir /tmp/etc
cp /etc/passwd /etc/group /tmp/etc
for NAME in ranged:4001 single:4002; do echo "\${NAME%:*}:x:\${NAME#*:}:\${NAME#*:}::/tmp/home:/bin/sh" >> /tmp/etc/passwd; done
for FILE in subuid subgid; do echo "ranged:200000:65536" > /tmp/etc/$FILE; done
for FILE in passwd subuid subgid; do mount --bind /tmp/etc/$FILE /etc/$FILE; done`);
  t.is(made.exitCode, 0, made.stderr);
});

test.after.always(async () => {
  for (const end of ends.toReversed()) await end();
});

const networkTest = (title: string, body: (t: ExecutionContext) => unknown) =>
  serialHostTest(`root, TUN devices, ${needs.join(", ")}`, isMet, title, body);

const uids = { root: 0, ranged: 4001, single: 4002 } as const;
type Who = keyof typeof uids;

/** Runs the program as somebody with a folder for temporary files below the mount. */
function run(who: Who, temporary: string, words: readonly string[]): Promise<Ran> {
  const identity =
    who === "root"
      ? []
      : ["setpriv", `--reuid=${uids[who]}`, `--regid=${uids[who]}`, "--clear-groups"];
  const environment = [
    "env -i HOME=/tmp/home PATH=/usr/sbin:/usr/bin:/sbin:/bin SOURCE_DATE_EPOCH=1700000000",
    `TSBUILD_CACHEDIR=/tmp/home/${who}`,
    `TMPDIR=${temporary}`,
  ];
  const program = [process.execPath, join(checkout, "bin/tsbuild.cjs"), ...words];
  return machine.run([...identity, ...environment, ...program].join(" "));
}

const build = (who: Who, temporary: string, words: readonly string[]) =>
  run(who, temporary, ["build", "--no-verify", "--compress", "none", "--jobs", "1", ...words]);

/** Owners, modes and names in an image, as unsquashfs(1) lists them. */
async function listed(image: string): Promise<string> {
  const offset = `$(grep -obUa hsqs ${image} | head -n 1 | cut -d : -f 1)`;
  return (await machine.run(`unsquashfs -lln -o ${offset} ${image}`)).stdout;
}

/** That nothing is left in a folder for temporary files. */
async function isEmpty(t: ExecutionContext, folder: string): Promise<void> {
  t.is((await machine.run(`ls -A ${folder}`)).stdout, "");
}

interface Refusal {
  readonly who: Who;
  readonly at: "open" | "squashed";
  readonly options?: readonly string[];
  readonly code: string;
  readonly says: RegExp;
  /** Whether the doctor is asked as well. */
  readonly isExamined?: true;
  /** Whether the way out is gone. */
  readonly isFollowed?: true;
}

const cannotOpen =
  /scripts can lie in \/tmp\/net\/\w+\/tmp \(nfs\): root can't open what a mode closes/;
const refusals: readonly Refusal[] = [
  {
    who: "single",
    at: "open",
    code: "host/folder-unfit",
    says: cannotOpen,
    isExamined: true,
    isFollowed: true,
  },
  // The server lets nobody give files away, so this user has one id, too.
  { who: "ranged", at: "open", code: "host/folder-unfit", says: cannotOpen },
  {
    who: "ranged",
    at: "open",
    options: ["--isolation", "subid"],
    code: "host/folder-owners",
    says: /can't be given to other users/,
  },
  {
    who: "root",
    at: "squashed",
    code: "host/folder-owners",
    says: /can't be given to other users: .*EPERM/,
    isExamined: true,
  },
];

for (const one of refusals) {
  const { who, at, options = [], code, says } = one;
  networkTest(`${[who, ...options].join(" ")}, ${at}: refused with a way out`, async (t) => {
    const image = `/tmp/net/open/out/${who}.sif`;
    const temporary = `/tmp/net/${at}/tmp`;
    await machine.run(`echo old > ${image}; chown ${uids[who]} ${image}`);
    const words = [...options, "--force", image, "/tmp/script.def"];
    const { exitCode, stderr } = await build(who, temporary, words);
    t.is(exitCode, 6, stderr);
    t.regex(stderr, says);
    t.true(stderr.includes(`code: ${code} `), stderr);
    t.notRegex(stderr, /Bootstrapping/);
    const [, hint = ""] = /^hint: (.*)$/m.exec(stderr) ?? [];
    t.regex(hint, /--tmpdir \/tmp,/);
    t.is((await machine.run(`cat ${image}`)).stdout, "old\n");
    if (one.isExamined === true) {
      const told = await run(who, temporary, ["doctor", ...options]);
      t.is(told.exitCode, 6, told.stdout);
      t.true(told.stdout.includes(`hint: ${hint}`), told.stdout);
      t.true(told.stdout.includes(`code: ${code} `), told.stdout);
      if (who === "single") t.regex(told.stdout, /not for scripts: rights and births and cap/);
    }
    await isEmpty(t, temporary);
    if (one.isFollowed !== true) return;
    const out = await build(who, temporary, ["--tmpdir", "/tmp", ...words]);
    t.is(out.exitCode, 0, out.stderr);
    const list = await listed(image);
    t.regex(list, /^-rwsr-x--- 5\/6 +8 .*closed\/given$/m);
    t.regex(list, /^dr-xr-xr-x 0\/0 .*closed$/m);
    t.regex(list, /^---------- 0\/0 +2 .*secret$/m);
  });
}

networkTest("root whom the server believes has scripts and sandboxes there", async (t) => {
  const box = "/tmp/net/open/out/box";
  const words = ["--sandbox", box, "/tmp/script.def"];
  const { exitCode, stderr } = await build("root", "/tmp/net/open/tmp", words);
  t.is(exitCode, 0, stderr);
  t.regex(stderr, /scripts have their files in .* \(nfs\), where files can't have capabilities/);
  t.regex(stderr, /the sandbox lies in .* \(nfs\), where files can't have capabilities/);
  const { stdout } = await machine.run(`stat -c '%a %u:%g %s' ${box}/closed/given ${box}/secret`);
  t.is(stdout, "4750 5:6 8\n0 0:0 2\n");
  await isEmpty(t, "/tmp/net/open/tmp");
});

networkTest("without scripts all folders may lie there, for everybody", async (t) => {
  const sums = new Set<string>();
  for (const [who, at] of [
    ["root", "squashed"],
    ["single", "squashed"],
  ] as const) {
    const image = `/tmp/net/${at}/out/plain-${who}.sif`;
    const temporary = `/tmp/net/${at}/tmp`;
    const { exitCode, stderr } = await build(who, temporary, [image, "/tmp/plain.def"]);
    t.is(exitCode, 0, stderr);
    t.notRegex(stderr, /WARNING/);
    sums.add((await machine.run(`sha256sum < ${image}`)).stdout);
    await isEmpty(t, temporary);
  }
  t.is(sums.size, 1);
  t.is(
    (await machine.run("ls -A /tmp/net/squashed/out")).stdout,
    "plain-root.sif\nplain-single.sif\n",
  );
});

networkTest("a sandbox is refused where its files couldn't have their owners", async (t) => {
  const words = ["--sandbox", "/tmp/net/squashed/out/box", "/tmp/plain.def"];
  const { exitCode, stderr } = await build("root", "/tmp", words);
  t.is(exitCode, 6, stderr);
  t.regex(stderr, /the sandbox can't lie in \/tmp\/net\/squashed\/out \(nfs\)/);
  t.regex(stderr, /code: host\/folder-owners/);
  t.regex(stderr, /hint: build a SIF file there/);
});

networkTest(
  "a file that somebody has open keeps its folder until it is closed, and no longer",
  async (t) => {
    const temporary = "/tmp/net/open/tmp";
    const image = "/tmp/net/open/out/open.sif";
    const root = `${temporary}/tsbuild-*/stage-*/rootfs`;
    // Opens what the script made, and closes it some seconds after the build.
    const holding = machine.run(`set -e
until exec 9< ${root}/held; do sleep 0.1; done 2> /tmp/said
: > $(echo ${root})/go
until [ -e ${image} ]; do sleep 0.1; done
sleep 4
ls -A ${root}
exec 9<&-`);
    const { exitCode, stderr } = await build("root", temporary, [image, "/tmp/open.def"]);
    t.is(exitCode, 0, stderr);
    t.regex(await listed(image), /held$/m);
    const held = await holding;
    t.regex(held.stdout, /^\.nfs[0-9a-f]+\n$/, held.stderr);
    const gone = await machine.run(
      `for N in $(seq 100); do [ -n "$(ls -A ${temporary})" ] || exit 0; sleep 0.1; done; exit 1`,
    );
    t.is(gone.exitCode, 0);
  },
);
