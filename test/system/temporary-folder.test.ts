import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { HostError } from "../../src/model/error.ts";
import { removeAbandoned, TemporaryFolder } from "../../src/system/temporary-folder.ts";
import { childrenOf, eventually, isRunning } from "../helpers/processes.ts";

const newParent = (t: ExecutionContext): string => {
  const parent = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  return parent;
};

/** Runs a program of ours that makes a temporary folder in the parent; resolves once it said so. */
const startOwner = async (parent: string, then: string) => {
  const script = `
    import { TemporaryFolder } from "./src/system/temporary-folder.ts";
    const made = await TemporaryFolder.create(${JSON.stringify(parent)});
    console.log(made.folder);
    ${then}`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const folder = await new Promise<string>((resolve) => {
    child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString().trim()));
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  return { child, folder, ended };
};

test("is ours alone, and gone with all that was put into it", async (t) => {
  const parent = newParent(t);
  const outside = join(parent, "outside");
  writeFileSync(outside, "kept");
  let folder = "";
  {
    await using made = await TemporaryFolder.create(parent);
    folder = made.folder;
    t.is(statSync(folder).mode & 0o777, 0o700);
    mkdirSync(join(folder, "closed/below"), { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/closed/`), Buffer.from([0xff, 0x0a])]), "");
    symlinkSync(outside, join(folder, "link"));
    chmodSync(join(folder, "closed"), 0);
  }
  t.false(existsSync(folder));
  t.true(existsSync(outside));
});

test("can be kept", async (t) => {
  const parent = newParent(t);
  {
    await using made = await TemporaryFolder.create(parent, { keep: true });
    t.true(existsSync(made.folder));
  }
  t.is(readdirSync(parent).length, 1);
});

test("a parent that is not there is an error with a hint", async (t) => {
  const error = await t.throwsAsync(TemporaryFolder.create("/nowhere/at/all"), {
    instanceOf: HostError,
  });
  t.like(error, { code: "host/temporary-folder" });
  t.truthy(error.hint);
});

test("goes when the process exits without disposing", async (t) => {
  const owner = await startOwner(newParent(t), "process.exit(3);");
  t.is(await owner.ended, 3);
  t.false(existsSync(owner.folder));
});

test("goes when an exception ends the process", async (t) => {
  const owner = await startOwner(newParent(t), "setTimeout(() => { throw new Error('x'); }, 10);");
  t.is(await owner.ended, 1);
  t.false(existsSync(owner.folder));
});

const waiting = "setInterval(() => {}, 1000);";

/** Ends what would tidy up after a process that is killed. */
async function killKeeper(pid: number): Promise<void> {
  const keepers = childrenOf(pid);
  for (const keeper of keepers) process.kill(keeper, "SIGKILL");
  await eventually(() => !keepers.some((keeper) => isRunning(keeper)));
  if (keepers.length !== 1) throw new Error(`${keepers.length} processes were there to tidy up`);
}

test("what a killed run left goes without anybody's help", async (t) => {
  const parent = newParent(t);
  const owner = await startOwner(parent, waiting);
  mkdirSync(join(owner.folder, "closed/below"), { recursive: true });
  chmodSync(join(owner.folder, "closed"), 0);
  owner.child.kill("SIGKILL");
  await owner.ended;
  await eventually(() => !existsSync(owner.folder));
  t.deepEqual(readdirSync(parent), []);
});

test("what a run left that was killed with its keeper is deleted by the next one; what a living one uses is not", async (t) => {
  const parent = newParent(t);
  const living = await startOwner(parent, waiting);
  const killed = await startOwner(parent, waiting);
  t.teardown(() => living.child.kill("SIGKILL"));
  await killKeeper(killed.child.pid ?? 0);
  killed.child.kill("SIGKILL");
  await killed.ended;
  t.true(existsSync(killed.folder));
  await using made = await TemporaryFolder.create(parent);
  t.false(existsSync(killed.folder));
  t.deepEqual(
    readdirSync(parent).toSorted(),
    [basename(living.folder), basename(made.folder)].toSorted(),
  );
});

test("a reused pid, another boot and another machine are told apart", async (t) => {
  const parent = newParent(t);
  await using made = await TemporaryFolder.create(parent);
  const [, host = "", boot = "", pid = "", start = ""] = basename(made.folder).split("-");
  const names = {
    reusedPid: `tsbuild-${host}-${boot}-${pid}-${Number(start) + 1}-aaaaaa`,
    otherBoot: `tsbuild-${host}-000000-${pid}-${start}-aaaaaa`,
    otherHost: `tsbuild-000000-${boot}-${pid}-${start}-aaaaaa`,
    notOurs: "tsbuild-work",
  };
  for (const name of Object.values(names)) mkdirSync(join(parent, name));
  const removed = await removeAbandoned(parent);
  t.deepEqual(
    removed.map((folder) => basename(folder)).toSorted(),
    [names.otherBoot, names.reusedPid].toSorted(),
  );
});
