import { setImmediate } from "node:timers/promises";
import { readContents } from "../contents/read-contents.ts";
import { BlockPool, defaultWorkers } from "./block-pool.ts";
import type { CompressorChoice } from "./compression.ts";
import { DataWriter } from "./data-writer.ts";
import type { DistinctContents } from "./distinct-contents.ts";
import { metadataBlockBytes } from "./format.ts";
import type { BlockSink } from "./ordered-writer.ts";

/** A thread is started for this much: starting one costs as much as compressing half of it. */
const bytesForThread = 4 * 1024 * 1024;

/** How much is read before other things of the program get their turn. */
const turnBytes = 4 * 1024 * 1024;
const turnChunks = 500;

export interface DataOptions {
  readonly compressor: CompressorChoice;
  readonly blockSizeBytes: number;
  /** Where the first block goes. */
  readonly position: number;
  readonly workers: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Writes the contents of all files. What is given back knows where they are. */
export async function writeData(
  contents: DistinctContents,
  sink: BlockSink,
  options: DataOptions,
): Promise<DataWriter> {
  const { compressor, blockSizeBytes, signal } = options;
  const failure = Promise.withResolvers<never>();
  // Only who waits for it shall hear of it.
  failure.promise.catch(() => {});
  const onAbort = () => failure.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const pool = new BlockPool(
    compressor,
    Math.max(blockSizeBytes, metadataBlockBytes),
    options.workers ?? workersFor(contents.totalBytes),
    (error) => failure.reject(error),
  );
  const data = new DataWriter(pool, sink, blockSizeBytes, options.position, (node) =>
    contents.sharesSize(node),
  );
  // Whatever goes wrong, reading ends, too.
  const reading = new AbortController();
  const signals = signal === undefined ? [reading.signal] : [signal, reading.signal];
  try {
    await Promise.race([
      feed(contents, data, AbortSignal.any(signals), options.onProgress),
      failure.promise,
    ]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    data.stop();
    reading.abort();
    await pool.close();
  }
  return data;
}

function workersFor(totalBytes: number): number {
  return Math.max(1, Math.min(defaultWorkers(), Math.ceil(totalBytes / bytesForThread)));
}

async function feed(
  contents: DistinctContents,
  data: DataWriter,
  signal: AbortSignal,
  onProgress: DataOptions["onProgress"],
): Promise<void> {
  let doneBytes = 0;
  let turn = 0;
  let chunks = 0;
  for await (const chunk of readContents(contents.files, signal)) {
    let length: number;
    if (chunk.bytes === undefined) {
      length = chunk.zeros;
      await data.pushZeros(chunk.file, chunk.zeros);
    } else {
      length = chunk.bytes.length;
      await data.push(chunk.file, chunk.bytes);
    }
    doneBytes += length;
    turn += length;
    chunks += 1;
    if (turn >= turnBytes || chunks >= turnChunks) {
      turn = 0;
      chunks = 0;
      onProgress?.(doneBytes, contents.totalBytes);
      await setImmediate();
    }
  }
  await data.finish();
  onProgress?.(contents.totalBytes, contents.totalBytes);
}
