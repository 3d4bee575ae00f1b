import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { execa } from "execa";
import { BlobCache } from "../../src/cache/blob-cache.ts";
import { isDigest, matchesDigest } from "../../src/cache/digest.ts";
import { HostError } from "../../src/model/error.ts";
import { sha256 } from "../helpers/oci-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

const bytes = randomBytes(3_500_000);
const digest = sha256(bytes);
const inPieces = async function* (whole: Buffer, pieceBytes: number) {
  for (let at = 0; at < whole.length; at += pieceBytes) yield whole.subarray(at, at + pieceBytes);
};

test("a blob that was written is found, with its bytes, and only under its length", async (t) => {
  const folder = await scratch(t);
  const cache = new BlobCache(folder);
  t.is(await cache.find(digest, bytes.length), undefined);
  for (const pieceBytes of [777, 65_536, bytes.length]) {
    const file = await cache.write(digest, "x", inPieces(bytes, pieceBytes));
    t.is(file, join(folder, "blobs-v1", "sha256", digest.slice(7)));
    t.true((await readFile(file)).equals(bytes));
  }
  t.is(await cache.find(digest, bytes.length), cache.fileOf(digest));
  t.deepEqual(await readdir(join(folder, "blobs-v1", "incoming")), []);
  t.is((await stat(folder + "/blobs-v1")).mode & 0o777, 0o700);
  t.is(await cache.find(digest, bytes.length - 1), undefined);
  t.is(await cache.find(digest, bytes.length), undefined);
});

test("a blob of no bytes, and one of another algorithm", async (t) => {
  const cache = new BlobCache(await scratch(t));
  const none = sha256(Buffer.alloc(0));
  await cache.write(none, "x", []);
  t.truthy(await cache.find(none, 0));
  const sha512 =
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
  t.true(isDigest(sha512));
  await cache.write(sha512, "x", [Buffer.from("abc")]);
  t.deepEqual(await cache.read(sha512, 10), Buffer.from("abc"));
});

test("wrong bytes leave nothing behind", async (t) => {
  const folder = await scratch(t);
  const cache = new BlobCache(folder);
  const error = await t.throwsAsync(cache.write(digest, "layer x", [Buffer.from("other")]), {
    code: "source/digest-mismatch",
  });
  t.regex(error.message, /^layer x should have the digest sha256:/);
  t.is(await cache.find(digest, bytes.length), undefined);
  t.deepEqual(await readdir(join(folder, "blobs-v1", "incoming")), []);
});

const broken = async function* () {
  yield bytes.subarray(0, 2_000_000);
  throw new RangeError("cut");
};

test("a failure of the source is thrown as it is, and leaves nothing behind", async (t) => {
  const folder = await scratch(t);
  const cache = new BlobCache(folder);
  await t.throwsAsync(cache.write(digest, "x", broken()), { instanceOf: RangeError });
  t.deepEqual(await readdir(join(folder, "blobs-v1", "incoming")), []);
});

test("a damaged small blob is thrown away when it is read", async (t) => {
  const cache = new BlobCache(await scratch(t));
  const text = Buffer.from("{}");
  await cache.write(sha256(text), "x", [text]);
  t.deepEqual(await cache.read(sha256(text), 100), text);
  t.is(await cache.read(sha256(text), 1), undefined);
  await writeFile(cache.fileOf(sha256(text)), "[]");
  t.is(await cache.read(sha256(text), 100), undefined);
  await t.throwsAsync(stat(cache.fileOf(sha256(text))), { code: "ENOENT" });
});

test("something else under a blob's name is not taken for it", async (t) => {
  const cache = new BlobCache(await scratch(t));
  await mkdir(cache.fileOf(digest), { recursive: true });
  t.is(await cache.read(digest, 100), undefined);
  t.is(await cache.find(digest, bytes.length), undefined);
  await cache.write(digest, "x", [bytes]);
  t.truthy(await cache.find(digest, bytes.length));
});

test("what a killed build left is swept after a day, and not before", async (t) => {
  const folder = await scratch(t);
  const incoming = join(folder, "blobs-v1", "incoming");
  await mkdir(incoming, { recursive: true });
  await writeFile(join(incoming, "old"), "x");
  await writeFile(join(incoming, "new"), "x");
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  await utimes(join(incoming, "old"), twoDaysAgo, twoDaysAgo);
  await new BlobCache(folder).write(digest, "x", [bytes]);
  t.deepEqual(await readdir(incoming), ["new"]);
});

test("many writers of the same blobs, in one process and in several, agree", async (t) => {
  const folder = await scratch(t);
  const blobs = Array.from({ length: 5 }, () => randomBytes(700_000));
  for (const [at, blob] of blobs.entries()) await writeFile(join(folder, `blob-${at}`), blob);
  const program = `
    const { BlobCache } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/cache/blob-cache.ts"))});
    const { readFile } = await import("node:fs/promises");
    const { createHash } = await import("node:crypto");
    const cache = new BlobCache(${JSON.stringify(folder)});
    await Promise.all([0, 1, 2, 3, 4].map(async (at) => {
      const bytes = await readFile(${JSON.stringify(folder)} + "/blob-" + at);
      const digest = "sha256:" + createHash("sha256").update(bytes).digest("hex");
      for (let round = 0; round < 5; round++) {
        await cache.write(digest, "x", [bytes.subarray(0, 5), bytes.subarray(5)]);
        if (await cache.find(digest, bytes.length) === undefined) throw new Error("gone");
      }
    }));`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" }),
  );
  const statuses = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
  t.deepEqual(statuses, [0, 0, 0, 0]);
  const cache = new BlobCache(folder);
  for (const blob of blobs) {
    const file = await cache.find(sha256(blob), blob.length);
    t.true(matchesDigest(await readFile(file ?? ""), sha256(blob)));
  }
  t.deepEqual(await readdir(join(folder, "blobs-v1", "incoming")), []);
});

/** A process that receives the blob and gets no further than its first two million bytes. */
async function startReceiving(folder: string): Promise<ChildProcess> {
  const start = join(folder, "start");
  await writeFile(start, bytes.subarray(0, 2_000_000));
  const program = `
    const { readFile } = await import("node:fs/promises");
    const { BlobCache } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/cache/blob-cache.ts"))});
    const chunks = async function* () {
      yield await readFile(${JSON.stringify(start)});
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    };
    const cache = new BlobCache(${JSON.stringify(folder)});
    const { growing } = await cache.receive(${JSON.stringify(digest)}, "x", ${bytes.length}, chunks);
    await growing.moreThan(1_000_000);
    process.stdout.write("half");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Receives the blob and says from where on it was asked for. */
async function receive(cache: BlobCache): Promise<{ from: number; file: string; read: Buffer }> {
  let from = -1;
  const incoming = await cache.receive(digest, "x", bytes.length, (offset) => {
    from = offset;
    return inPieces(bytes.subarray(offset), 65_536);
  });
  const read = Buffer.alloc(bytes.length);
  try {
    for (let at = 0; at < bytes.length;) {
      const there = await incoming.growing.moreThan(at);
      at += (await incoming.reader.read(read, at, there - at, at)).bytesRead;
    }
  } finally {
    await incoming.reader.close();
  }
  return { from, file: await incoming.file, read };
}

test("a writer that is killed leaves no blob, and the next one goes on where it was", async (t) => {
  const folder = await scratch(t);
  await kill(await startReceiving(folder));
  const cache = new BlobCache(folder);
  t.is(await cache.find(digest, bytes.length), undefined);
  const incoming = join(folder, "blobs-v1", "incoming");
  const [part = ""] = await readdir(incoming);
  const { size } = await stat(join(incoming, part));
  t.true(size >= 1_000_000 && size < bytes.length);
  const { from, file, read } = await receive(cache);
  t.is(from, size);
  t.true(read.equals(bytes));
  t.true((await readFile(file)).equals(bytes));
  t.deepEqual(await readdir(incoming), []);
});

test("what a killed writer left is hashed again: where it is damaged the next one starts anew", async (t) => {
  const folder = await scratch(t);
  await kill(await startReceiving(folder));
  const incoming = join(folder, "blobs-v1", "incoming");
  const [part = ""] = await readdir(incoming);
  // What a file may hold after the power has failed.
  await writeFile(join(incoming, part), Buffer.alloc((await stat(join(incoming, part))).size));
  const cache = new BlobCache(folder);
  await t.throwsAsync(receive(cache), { code: "source/digest-mismatch" });
  t.is(await cache.find(digest, bytes.length), undefined);
  t.deepEqual(await readdir(incoming), []);
  t.is((await receive(cache)).from, 0);
});

test("a download that is under way is not taken over, and neither is one with --no-cache", async (t) => {
  const folder = await scratch(t);
  const child = await startReceiving(folder);
  t.is((await receive(new BlobCache(folder))).from, 0);
  await kill(child);
  t.is((await receive(new BlobCache(folder, { isFresh: true }))).from, 0);
  t.is((await readdir(join(folder, "blobs-v1", "incoming"))).length, 1);
});

test("several that want what a killed writer left don't take the same", async (t) => {
  const folder = await scratch(t);
  await kill(await startReceiving(folder));
  const received = await Promise.all([1, 2, 3].map(() => receive(new BlobCache(folder))));
  t.is(received.filter(({ from }) => from > 0).length, 1);
  for (const { read } of received) t.true(read.equals(bytes));
  t.deepEqual(await readdir(join(folder, "blobs-v1", "incoming")), []);
});

test("a part of another machine is gone on with when it was not written to for long", async (t) => {
  const folder = await scratch(t);
  await kill(await startReceiving(folder));
  const incoming = join(folder, "blobs-v1", "incoming");
  const [part = ""] = await readdir(incoming);
  const [hex, , random] = part.split(".");
  // The pid of a process that there isn't here says nothing of the one that it is there.
  const foreign = join(incoming, `${hex}.000000-000000-4194303-1.${random}`);
  await rename(join(incoming, part), foreign);
  const cache = new BlobCache(folder);
  t.is((await receive(cache)).from, 0);
  await utimes(foreign, Date.now() / 1000, Date.now() / 1000 - 11 * 60);
  t.true((await receive(cache)).from > 0);
});

test("a folder that can't be written to is an error of the host with a hint", async (t) => {
  const folder = await scratch(t);
  await writeFile(join(folder, "file"), "");
  const error = await t.throwsAsync(
    new BlobCache(join(folder, "file")).write(digest, "x", [bytes]),
    {
      instanceOf: HostError,
      code: "cache/write",
    },
  );
  t.regex(error.hint ?? "", /TSBUILD_CACHEDIR/);
});

hostTest(
  "root",
  process.getuid?.() === 0,
  "a full disk is an error with a hint, and leaves nothing behind",
  async (t) => {
    const folder = await scratch(t);
    const disk = join(folder, "disk");
    await mkdir(disk);
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m", "none", disk]);
    try {
      const error = await t.throwsAsync(new BlobCache(disk).write(digest, "x", [bytes]), {
        instanceOf: HostError,
        code: "cache/write",
      });
      t.regex(error.hint ?? "", /full/);
      t.deepEqual(await readdir(join(disk, "blobs-v1", "incoming")), []);
    } finally {
      await execa("umount", [disk]);
    }
  },
);

test("digests are told from other texts", (t) => {
  t.true(isDigest(digest));
  for (const text of [
    "",
    "sha256",
    "sha256:",
    `sha256:${"a".repeat(63)}`,
    `sha256:${"A".repeat(64)}`,
    `sha256:${"g".repeat(64)}`,
    `md5:${"a".repeat(32)}`,
    `${digest}:x`,
    `x${digest}`,
    `${digest}\n`,
    undefined,
    7,
  ]) {
    t.false(isDigest(text));
  }
});
