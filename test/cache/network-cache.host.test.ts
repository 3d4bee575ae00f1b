// A cache on a network file system that several machines work on at once. Linux's own NFS judges, of version 4.2 on one
// machine and of version 3 on another, each of which keeps for itself what it has seen of folders and files.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { checkout, tsbuild } from "../helpers/build.ts";
import {
  cachedImage,
  cachedImageTools,
  sameBytes,
  sha256OfFile,
  type CachedImage,
} from "../helpers/cached-image.ts";
import {
  canStartMachines,
  machinePrograms,
  mountNfs,
  network,
  serveNfs,
  type Machine,
  type Ran,
} from "../helpers/machines.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

const needs = [...machinePrograms, ...cachedImageTools];
const isMet = canStartMachines() && needs.every(isInstalled);
const ends: (() => unknown)[] = [];
let server: Machine;
let alpha: Machine;
let beta: Machine;
let cached: CachedImage;
/** What every image has to be. */
let expected: string;

test.before(async (t) => {
  if (process.env["CI"] === undefined && !isMet) return;
  // The machines are there for all tests of this file.
  const all = { teardown: (end: () => unknown) => ends.push(end) } as unknown as ExecutionContext;
  const net = await network(all);
  [server, alpha, beta, cached] = await Promise.all([
    net.start("server"),
    net.start("alpha"),
    net.start("beta"),
    cachedImage(all, net.address),
  ]);
  await serveNfs(server);
  await Promise.all([
    mountNfs(alpha, server, { version: "4.2" }),
    mountNfs(beta, server, { version: "3" }),
  ]);
  // Clocks of a cluster don't agree; here by more than any time that the cache goes by but a day.
  await Promise.all([alpha.run("date -s '-3 hours'"), beta.run("date -s '+2 hours'")]);
  const folder = await scratch(all);
  const run = await tsbuild(
    [...sameBytes.words, "--no-https", "--disable-cache", "x.sif", cached.reference],
    { cwd: folder, env: sameBytes.environment },
  );
  t.is(run.exitCode, 0, run.stderr);
  expected = await sha256OfFile(join(folder, "x.sif"));
});

test.after.always(async () => {
  for (const end of ends.toReversed()) await end();
});

test.beforeEach(() => {
  cached?.proxy.seen.splice(0);
  cached?.slowly(0);
});

const networkTest = (title: string, body: (t: ExecutionContext) => unknown) =>
  serialHostTest(`root, TUN devices, ${needs.join(", ")}`, isMet, title, body);

/** A run on a machine, with a cache below the mount. */
function run(machine: Machine, cache: string, words: readonly string[], before = ":") {
  const settings = { ...sameBytes.environment, TSBUILD_CACHEDIR: `/tmp/net/${cache}` };
  const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const program = [process.execPath, join(checkout, "bin/tsbuild.cjs"), ...words];
  return machine.run(`${before}; env ${[...variables, ...program].join(" ")}`);
}

/** Builds the image. What the machine prints at last is the digest of what came of it. */
function build(machine: Machine, cache: string, before = ":"): Promise<Ran> {
  const words = [...sameBytes.words, "--no-https", '"$image"', cached.reference];
  const end = `trap 'sha256sum <"$image"; rm -f "$image"' EXIT`;
  return run(machine, cache, words, `image=$(mktemp -u /tmp/image.XXXXXX); ${end}; ${before}`);
}

function isRight(t: ExecutionContext, ran: Ran): void {
  t.is(ran.exitCode, 0, ran.stderr);
  t.is(ran.stdout.trim().split(/\s+/).at(-2), expected, ran.stderr);
}

const list = async (machine: Machine, folder: string) =>
  (await machine.run(`ls -A /tmp/net/${folder} 2>/dev/null`)).stdout.split("\n").filter(Boolean);

/** Waits for what comes in seconds; for what does not come at all there is no use in waiting. */
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`never came: ${String(isSo)}`);
    await sleep(100);
  }
}

const blobsSent = () => cached.proxy.seen.filter(({ path }) => path.includes("/blobs/")).length;

// Sixteen do as well, in minutes: see docs/decisions/0045.
networkTest("builds on two machines fetch each blob once, and all images are right", async (t) => {
  const builds = 4;
  const asked = () => cached.proxy.seen.filter(({ method }) => method === "HEAD").length;
  cached.slowly(1000, () => asked() >= builds);
  const runs = await Promise.all(
    Array.from({ length: builds }, (_, at) => build(at % 2 === 0 ? alpha : beta, "open/many")),
  );
  for (const ran of runs) isRight(t, ran);
  t.deepEqual(cached.fetches(), cached.onceEach);
  t.true(
    runs.filter(({ stderr }) => stderr.includes("another build downloads")).length >= builds - 1,
  );
  // Nothing of the coordination stays behind, on either machine.
  for (const machine of [alpha, beta]) {
    t.deepEqual(await list(machine, "open/many/leases-v1"), []);
    t.deepEqual(await list(machine, "open/many/blobs-v1/incoming"), []);
    t.deepEqual((await list(machine, "open/many/blobs-v1/sha256")).toSorted(), cached.names);
  }
});

networkTest("a machine sees at once what another uses, and doesn't clear it away", async (t) => {
  // It has just seen that nothing is there, which an NFS client believes for a while.
  await run(
    beta,
    "open/used",
    ["cache", "list"],
    "mkdir -p /tmp/net/open/used/{leases-v1,blobs-v1/incoming}",
  );
  t.deepEqual(await list(beta, "open/used/leases-v1"), []);
  let isCleaned = false;
  cached.slowly(1000, () => isCleaned);
  const building = build(alpha, "open/used");
  // The configuration and the manifest are there, and the layers on their way.
  await until(() => blobsSent() >= 4);
  const cleaned = await run(beta, "open/used", ["cache", "clean", "--force", "--type=blob,part"]);
  isCleaned = true;
  t.is(cleaned.exitCode, 0, cleaned.stderr);
  t.regex(cleaned.stdout, /3 entries .* in use by running builds were left/);
  isRight(t, await building);
  const verified = await run(beta, "open/used", ["cache", "verify"]);
  t.is(verified.exitCode, 0, verified.stdout + verified.stderr);
});

networkTest("a build that is killed is gone on with on the other machine", async (t) => {
  // Far longer than it takes until part of it is written.
  cached.slowly(20_000);
  const pid = "/tmp/killed.pid";
  const killed = build(alpha, "open/killed", `echo $$ >${pid}`);
  await until(() => blobsSent() >= 4);
  const waiting = build(beta, "open/killed");
  // So it is for this machine; the server gets it when the file is closed.
  await until(async () => {
    const { stdout } = await alpha.run("find /tmp/net/open/killed/blobs-v1/incoming -size +1000k");
    return stdout !== "";
  });
  await alpha.run(`pkill -KILL -P $(cat ${pid})`);
  t.not((await killed).exitCode, 0);
  cached.slowly(0);
  // Of a process of another machine nothing is known: it has to be silent for long enough.
  isRight(t, await waiting);
  t.regex((await waiting).stderr, /another build downloads/);
  const verified = await run(alpha, "open/killed", ["cache", "verify"]);
  t.is(verified.exitCode, 0, verified.stdout + verified.stderr);
});

networkTest("a machine that stops loses its claim, and does no harm when it goes on", async (t) => {
  cached.slowly(6000);
  const stopped = build(alpha, "open/stopped");
  await until(() => blobsSent() >= 4);
  alpha.pause();
  try {
    cached.slowly(0);
    const other = await build(beta, "open/stopped");
    isRight(t, other);
    t.regex(other.stderr, /another build downloads/);
    // What it holds open goes away below it: ESTALE, not a file without a name.
    const gone = "rm -rf /tmp/export/open/stopped/blobs-v1/{incoming,sha256}/*";
    t.is((await server.run(gone)).exitCode, 0);
  } finally {
    alpha.resume();
  }
  const { exitCode, stderr } = await stopped;
  if (exitCode !== 0) t.regex(stderr, /cache\/write|source\/unreadable/);
  isRight(t, await build(alpha, "open/stopped"));
});

networkTest("a cache that the file server closes to root is told, and done without", async (t) => {
  const made = await server.run("install -d -m 700 -o 1000 /tmp/export/squashed/home");
  t.is(made.exitCode, 0, made.stderr);
  const ran = await build(alpha, "squashed/home/cache");
  isRight(t, ran);
  t.regex(ran.stderr, /nothing is kept in the cache .*squashed/);
  t.regex(ran.stderr, /root_squash/);
  // The user that the folder belongs to has no such trouble, nor has anybody where all may write.
  const owner = "setpriv --reuid 1000 --regid 1000 --clear-groups mkdir /tmp/net/squashed/home/own";
  t.is((await alpha.run(owner)).exitCode, 0);
  const open = await build(alpha, "squashed");
  isRight(t, open);
  t.false(open.stderr.includes("nothing is kept"), open.stderr);
  t.deepEqual((await list(alpha, "squashed/blobs-v1/sha256")).toSorted(), cached.names);
});
