import type { FileHandle } from "node:fs/promises";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { FormatError } from "../model/error.ts";
import { BlockList } from "./block-list.ts";
import { defaultWorkers } from "./block-pool.ts";
import { readImageTables, type ImageTables } from "./image-tables.ts";
import { InodeWalk, type DirectoryInode } from "./inode-walk.ts";
import type { Superblock } from "./superblock.ts";
import { BlockVerifier } from "./verify-block.ts";
import { type VerifyMessage, type VerifySetup } from "./verify-job.ts";

export interface VerifyOptions {
  /** The image, for messages. */
  readonly name: string;
  /** Inodes that must be found. */
  readonly inodes: number;
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how many blocks are read. */
  readonly onProgress?: ((doneBlocks: number, totalBlocks: number) => void) | undefined;
}

/**
 * Reads an image back as its users will: follows every table from the root to the last inode, unpacks every block, and
 * checks that counts are right and tables lie without gaps, as the kernel demands.
 * @throws {FormatError} `image/not-verified`
 */
export async function verifySquashfs(
  file: FileHandle,
  offsetBytes: number,
  sizeBytes: number,
  options: VerifyOptions,
): Promise<void> {
  options.signal?.throwIfAborted();
  let tables: ImageTables;
  let blocks: BlockList;
  let inodeCount: number;
  try {
    tables = await readImageTables(file, offsetBytes, sizeBytes, options.name);
    blocks = new BlockList(tables.superblock.blockSizeBytes, tables.source.fragments);
    inodeCount = followAll(tables, blocks);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw notVerified(error.message, error);
  }
  const { superblock, places } = tables;
  if (inodeCount !== options.inodes || superblock.inodeCount !== options.inodes) {
    throw notVerified(`it has ${inodeCount} inodes in place of ${options.inodes}`);
  }
  let position = superblock.inodeTable;
  for (const { start, end } of places) {
    if (start !== position) throw notVerified(`there is a gap before ${start}`);
    position = end;
  }
  if (position !== superblock.usedBytes) throw notVerified("it has a gap before its end");
  await unpackAll(file, offsetBytes, superblock, blocks, options);
}

/** Goes from the root to every inode, and says how many there are. Nothing is kept but where contents are. */
function followAll(tables: ImageTables, blocks: BlockList): number {
  const walk = new InodeWalk(tables);
  const links = new Set<number>();
  const stack: [DirectoryInode, number][] = [[walk.root(), 0]];
  let leaves = 0;
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    for (const { inode, reference, pathBytes } of walk.list(...top)) {
      if (inode.type === "directory") {
        stack.push([inode, pathBytes]);
        continue;
      }
      if (links.has(reference)) continue;
      if (inode.links > 1) links.add(reference);
      leaves += 1;
      tables.xattrs?.get(inode.xattrs);
      if (inode.type !== "file") continue;
      tables.source.check(inode);
      blocks.add(inode);
    }
  }
  return walk.directoryCount + leaves;
}

async function unpackAll(
  file: FileHandle,
  offset: number,
  superblock: Superblock,
  list: BlockList,
  options: VerifyOptions,
): Promise<void> {
  const { blocks, count } = list.finish();
  if (count === 0) return;
  const setup: VerifySetup = {
    descriptor: file.fd,
    offset,
    compressorId: superblock.compressorId,
    blockSizeBytes: superblock.blockSizeBytes,
    blocks,
    count,
    next: new SharedArrayBuffer(4),
  };
  if (count <= inlineBlocks) await unpackHere(setup, options);
  else await unpackInThreads(setup, options);
}

/** Starting a thread costs as much as unpacking this many blocks. */
const inlineBlocks = 64;

async function unpackHere(setup: VerifySetup, { signal, onProgress }: VerifyOptions) {
  const verifier = await BlockVerifier.create(setup);
  for (let index = 0; index < setup.count; index += 1) {
    signal?.throwIfAborted();
    const problem = await verifier.problem(index);
    if (problem !== undefined) throw badBlock(problem);
    onProgress?.(index + 1, setup.count);
  }
}

async function unpackInThreads(
  setup: VerifySetup,
  { signal, workers, onProgress }: VerifyOptions,
): Promise<void> {
  const url = new URL(`./verify-worker${extname(import.meta.filename)}`, import.meta.url);
  const threads: Worker[] = [];
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => {});
  const onAbort = () => stop.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  let done = 0;
  const run = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("a verifying thread ended early")));
      worker.on("message", (message: VerifyMessage) => {
        if (message.kind === "done") resolve();
        else if (message.kind === "progress") onProgress?.((done += message.blocks), setup.count);
        else reject(badBlock(message));
      });
    });
  const wanted = workers ?? Math.min(defaultWorkers(), Math.ceil(setup.count / inlineBlocks));
  try {
    for (let index = 0; index < wanted; index += 1) {
      threads.push(
        new Worker(url, {
          workerData: setup,
          resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
        }),
      );
    }
    await Promise.race([Promise.all(threads.map((worker) => run(worker))), stop.promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await Promise.all(threads.map((worker) => worker.terminate()));
  }
}

function badBlock(problem: { readonly position: number; readonly reason: string }): FormatError {
  return notVerified(`the block at ${problem.position}: ${problem.reason}`);
}

function notVerified(what: string, cause?: unknown): FormatError {
  return new FormatError(
    "image/not-verified",
    `the finished image is not what was packed: ${what}`,
    {
      hint: "run the build again; if it happens twice, check the disk and the machine's memory",
      cause,
    },
  );
}
