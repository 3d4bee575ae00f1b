// Other computers, for what can't be seen on one: each is a Linux kernel of its own (User Mode Linux), with its own
// processes, clock and boot, on a network with this machine. It sees this machine's files, and can change none of them.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { randomInt } from "node:crypto";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { unescaped } from "../../src/system/mount-options.ts";
import { formatOwner, parseOwner } from "../../src/system/owner-name.ts";
import { isGone, ownIdentity } from "../../src/system/process-identity.ts";
import { checkout } from "./build.ts";
import { scratch } from "./scratch.ts";
import { isInstalled } from "./tool.ts";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine {
  readonly address: string;
  /** Runs bash text and gives how it ended; several at once run at once. Rejects when the machine dies. */
  run(script: string): Promise<Ran>;
  /** Pulls the plug. */
  kill(): Promise<void>;
  /** Stops it between two instructions: it neither works nor answers, and knows nothing of it afterwards. */
  pause(): void;
  resume(): void;
}

export interface Network {
  /** Where this machine is found by the others. */
  readonly address: string;
  start(name: string, options?: { readonly memoryMiB?: number }): Promise<Machine>;
}

/** What the tests that use this need. */
export const machinePrograms = ["linux.uml", "ip", "modprobe", "rpc.nfsd", "mount.nfs"];

/** A bridge of this machine that machines are connected to; all of it goes when the test is over. */
export async function network(t: ExecutionContext): Promise<Network> {
  await removeAbandonedNetworks();
  const id = randomInt(0x1000, 0x10000).toString(16);
  // Of the range that RFC 2544 sets aside for tests.
  const subnet = `198.18.${randomInt(1, 255)}`;
  const bridge = `tsb${id}`;
  await ip("link", "add", bridge, "type", "bridge");
  t.teardown(() => ip("link", "delete", bridge));
  await ip("link", "set", bridge, "alias", ownerMark());
  await ip("address", "add", `${subnet}.1/24`, "dev", bridge);
  await ip("link", "set", bridge, "up");
  let machines = 0;
  return {
    address: `${subnet}.1`,
    async start(name, { memoryMiB = 2048 } = {}) {
      const number = ++machines;
      const tap = `${bridge}t${number}`;
      await ip("tuntap", "add", "dev", tap, "mode", "tap");
      t.teardown(() => ip("link", "delete", tap));
      await ip("link", "set", tap, "master", bridge, "up");
      return boot(t, { name, tap, address: `${subnet}.${number + 1}`, memoryMiB });
    },
  };
}

async function ip(...words: string[]): Promise<string> {
  return (await execa("ip", words)).stdout;
}

/** What says of something that the kernel keeps whose it is. */
const ownerMark = () => `tsbuild-test-${formatOwner(ownIdentity())}`;

const isAbandoned = (mark = ""): boolean => {
  const owner = parseOwner(/^tsbuild-test-(.+)$/.exec(mark)?.[1] ?? "");
  return owner !== undefined && isGone(owner);
};

interface Link {
  readonly ifname: string;
  readonly ifalias?: string;
  readonly master?: string;
}

/** Takes away what tests left that were ended by Ctrl-C or killed: bridges, their taps, the memory of machines. */
async function removeAbandonedNetworks(): Promise<void> {
  const links = JSON.parse(await ip("-json", "link", "show")) as Link[];
  for (const { ifname: bridge } of links.filter(({ ifalias }) => isAbandoned(ifalias))) {
    const taps = links.filter(({ master }) => master === bridge);
    for (const { ifname } of [...taps, { ifname: bridge }]) {
      // Another test file may be doing the same.
      await ip("link", "delete", ifname).catch(() => undefined);
    }
  }
  for (const line of readFileSync("/proc/self/mountinfo", "latin1").split("\n")) {
    const [, , , , at = ""] = line.split(" ");
    const [, source] = line.split(" - ")[1]?.split(" ") ?? [];
    if (isAbandoned(source)) await execa("umount", ["--lazy", unescaped(at)], { reject: false });
  }
}

interface BootOptions {
  readonly name: string;
  readonly tap: string;
  readonly address: string;
  readonly memoryMiB: number;
}

async function boot(t: ExecutionContext, options: BootOptions): Promise<Machine> {
  const { name, tap, address, memoryMiB } = options;
  // Its memory is a file; on a disk that would be written out.
  const folder = join(await scratch(t), "memory");
  await mkdir(folder);
  const size = `size=${memoryMiB + 64}m,mode=700`;
  await execa("mount", ["-t", "tmpfs", "-o", size, ownerMark(), folder]);
  t.teardown(() => execa("umount", ["--lazy", folder]));
  const init = join(folder, "init");
  await writeFile(init, initText(name, address), { mode: 0o755 });
  const child = spawn(
    "linux.uml",
    [
      `mem=${memoryMiB}M`,
      "root=/dev/root",
      "rootfstype=hostfs",
      "rootflags=/",
      "ro",
      `init=${init}`,
      `uml_dir=${folder}`,
      "con=null",
      "con0=fd:0,fd:1",
      "ssl=null",
      "quiet",
      // Without gro it drops what this machine sends in larger pieces, and all waits for it to be sent again.
      `vec0:transport=tap,ifname=${tap},depth=128,gro=1`,
    ],
    { stdio: ["pipe", "pipe", "ignore"], env: { ...process.env, TMPDIR: folder }, detached: true },
  );
  const machine = new UserModeMachine(child, address);
  t.teardown(() => machine.kill());
  await machine.ready;
  return machine;
}

/** Shell text for a machine that starts: a /run and a /tmp of its own, in which it finds this checkout if it is there. */
export const ownFolders = `mount -t tmpfs tmpfs /run
mkdir /run/host
mount --bind / /run/host
mount -t tmpfs -o mode=1777 tmpfs /tmp
for FOLDER in ${checkout} ${dirname(process.execPath)}; do
  case $FOLDER in /tmp/*) mkdir -p $FOLDER; mount --bind /run/host$FOLDER $FOLDER;; esac
done
`;

/** Reads commands from the console, `NUMBER BASE64`, and answers with `DONE NUMBER STATUS BASE64 BASE64`. */
const initText = (name: string, address: string) => `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
${ownFolders}mount -t tmpfs tmpfs /var/lib
dmesg -n 1
hostname ${name}
mkdir -p /run/modules/lib /run/results
ln -s /usr/lib/uml/modules /run/modules/lib/modules
ip link set lo up
ip address add ${address}/24 dev vec0
ip link set vec0 up
stty raw -echo
answer() {
  local number=$1 status=$2
  exec 9>/run/results/lock
  flock 9
  printf 'DONE %s %s %s %s\\n' "$number" "$status" \\
    "$(base64 -w0 "/run/results/$number.1")." "$(base64 -w0 "/run/results/$number.2")."
}
echo 'DONE 0 0 . .'
cd /tmp
while read -r number script; do
  {
    base64 -d <<<"$script" >"/run/results/$number.sh"
    bash "/run/results/$number.sh" >"/run/results/$number.1" 2>"/run/results/$number.2" </dev/null
    answer "$number" "$?"
  } &
done
echo o >/proc/sysrq-trigger
`;

class UserModeMachine implements Machine {
  readonly address: string;
  /** It takes commands. */
  readonly ready: Promise<Ran>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, PromiseWithResolvers<Ran>>();
  #commands = 0;

  constructor(child: ChildProcess, address: string) {
    this.address = address;
    this.#child = child;
    this.#ended = once(child, "exit");
    const said: string[] = [];
    this.ready = this.#answerTo(0);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      said.push(line);
      const [, number, status, stdout = "", stderr = ""] =
        /DONE (\d+) (\d+) (\S*)\. (\S*)\./.exec(line) ?? [];
      if (number === undefined) return;
      this.#waiting.get(Number(number))?.resolve({
        exitCode: Number(status),
        stdout: Buffer.from(stdout, "base64").toString(),
        stderr: Buffer.from(stderr, "base64").toString(),
      });
      this.#waiting.delete(Number(number));
    });
    child.once("exit", () => {
      const error = new Error(`the machine has ended: ${said.slice(-20).join("\n")}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
  }

  run(script: string): Promise<Ran> {
    const number = ++this.#commands;
    const answer = this.#answerTo(number);
    this.#child.stdin?.write(`${number} ${Buffer.from(script).toString("base64")}\n`);
    return answer;
  }

  #answerTo(number: number): Promise<Ran> {
    const waiting = Promise.withResolvers<Ran>();
    this.#waiting.set(number, waiting);
    return waiting.promise;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      // Its processes are processes of this machine, in a group of their own.
      process.kill(-(this.#child.pid ?? 0), "SIGKILL");
    }
    await this.#ended;
  }

  // Only the kernel: it takes signals to its processes for theirs.
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }
}

/** Makes a machine an NFS server, of a file system in its memory. */
export async function serveNfs(machine: Machine): Promise<void> {
  await must(
    machine,
    `set -e
modprobe -d /run/modules nfsd
mkdir /run/etc
cp -a /etc/passwd /etc/group /etc/netconfig /etc/services /etc/protocols /etc/rpc /run/etc
mount --bind /run/etc /etc
mkdir -p /var/lib/nfs/sm /var/lib/nfs/v4recovery /tmp/export
touch /var/lib/nfs/etab /var/lib/nfs/rmtab
mount -t tmpfs -o mode=1777 tmpfs /tmp/export
mkdir -m 1777 /tmp/export/open /tmp/export/squashed
mount -t tmpfs -o mode=1777 tmpfs /tmp/export/squashed
cat >/etc/exports <<'EXPORTS'
/tmp/export *(rw,async,no_root_squash,fsid=0,no_subtree_check,insecure)
/tmp/export/squashed *(rw,async,root_squash,fsid=2,no_subtree_check,insecure)
EXPORTS
mount -t nfsd nfsd /proc/fs/nfsd
rpcbind
exportfs -ra
rpc.mountd -p 20048
rpc.nfsd -V 3 -V 4.2 -G 10 -L 10 4
echo Y >/proc/fs/nfsd/v4_end_grace`,
  );
}

/** Mounts the server's file system on /tmp/net. */
export async function mountNfs(
  machine: Machine,
  server: Machine,
  options: { readonly version: "3" | "4.2"; readonly path?: string },
): Promise<void> {
  const { version, path = "/" } = options;
  const [from, more] =
    version === "3"
      ? [`/tmp/export${path}`, "nolock,proto=tcp,mountproto=tcp,mountport=20048"]
      : [path, "proto=tcp"];
  await must(
    machine,
    `set -e
modprobe -d /run/modules ${version === "3" ? "nfsv3" : "nfsv4"}
mkdir -p /tmp/net
mount.nfs ${server.address}:${from} /tmp/net -o vers=${version},port=2049,${more}`,
  );
}

async function must(machine: Machine, script: string): Promise<void> {
  const { exitCode, stdout, stderr } = await machine.run(script);
  if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
}

/** Whether this machine can have others: it takes root, and the kernel's TUN devices. */
export function canStartMachines(): boolean {
  if (process.getuid?.() !== 0 || !machinePrograms.every(isInstalled)) return false;
  return readFileSync("/proc/misc", "latin1").includes(" tun\n");
}
