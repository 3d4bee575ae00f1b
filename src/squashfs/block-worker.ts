// The thread that compresses. It is started by `block-pool.ts` and ends when it is terminated.

import { hash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { BlockJob, BlockResult, WorkerSetup } from "./block-job.ts";
import { compressors } from "./compressors.ts";

void serve(workerData as WorkerSetup);

async function serve({ memory, slotBytes, compressor, level }: WorkerSetup): Promise<void> {
  const loaded = await compressors[compressor].load(level);
  parentPort?.on("message", (job: BlockJob) => {
    const start = job.slot * 2 * slotBytes;
    const input = new Uint8Array(memory, start, job.lengthBytes);
    const output = new Uint8Array(memory, start + slotBytes, slotBytes);
    const result: BlockResult = {
      slot: job.slot,
      compressedBytes: loaded.compress(input, output),
      hash: job.hash ? hash("sha256", input, "binary") : undefined,
    };
    parentPort?.postMessage(result, []);
  });
}
