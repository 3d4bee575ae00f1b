// The thread that reads blocks back and unpacks them. It is started by `verify.ts`.

import { readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { loadDecompressor } from "./decompressors.ts";
import { storedDataBit } from "./format.ts";
import {
  blocksAtOnce,
  numbersForEachBlock,
  type VerifyMessage,
  type VerifySetup,
} from "./verify-job.ts";

const setup = workerData as VerifySetup;
const blocks = new Float64Array(setup.blocks);
const next = new Int32Array(setup.next);
const decompress = await loadDecompressor(setup.compressorId, "the image");
const buffer = Buffer.alloc(setup.blockSizeBytes);

const tell = (message: VerifyMessage) => parentPort?.postMessage(message, []);

/** Why a block is not what it should be; undefined when it is. */
async function problem(index: number): Promise<string | undefined> {
  const [position = 0, word = 0, least = 0, most = 0] = blocks.subarray(
    numbersForEachBlock * index,
    numbersForEachBlock * (index + 1),
  );
  const stored = buffer.subarray(0, word % storedDataBit);
  for (let done = 0; done < stored.length;) {
    const at = setup.offset + position + done;
    const got = readSync(setup.descriptor, stored, done, stored.length - done, at);
    if (got === 0) return "the file ends before it";
    done += got;
  }
  const length =
    word >= storedDataBit ? stored.length : (await decompress(stored, setup.blockSizeBytes)).length;
  return length < least || length > most ? `it has ${length} bytes` : undefined;
}

for (;;) {
  const from = Atomics.add(next, 0, blocksAtOnce);
  if (from >= setup.count) break;
  const to = Math.min(setup.count, from + blocksAtOnce);
  for (let index = from; index < to; index += 1) {
    const reason = await problem(index).catch((error: unknown) => String(error));
    if (reason !== undefined) {
      tell({ kind: "failed", position: blocks[numbersForEachBlock * index] ?? 0, reason });
    }
  }
  tell({ kind: "progress", blocks: to - from });
}
tell({ kind: "done" });
