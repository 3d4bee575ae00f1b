// The thread that reads blocks back and unpacks them. It is started by `verify.ts`.

import { parentPort, workerData } from "node:worker_threads";
import { BlockVerifier } from "./verify-block.ts";
import { blocksAtOnce, type VerifyMessage, type VerifySetup } from "./verify-job.ts";

const tell = (message: VerifyMessage) => parentPort?.postMessage(message, []);

void verifyBlocks(workerData as VerifySetup);

async function verifyBlocks(setup: VerifySetup): Promise<void> {
  const next = new Int32Array(setup.next);
  const verifier = await BlockVerifier.create(setup);
  for (;;) {
    const from = Atomics.add(next, 0, blocksAtOnce);
    if (from >= setup.count) break;
    const to = Math.min(setup.count, from + blocksAtOnce);
    for (let index = from; index < to; index += 1) {
      const problem = await verifier.problem(index);
      if (problem !== undefined) tell({ kind: "failed", ...problem });
    }
    tell({ kind: "progress", blocks: to - from });
  }
  tell({ kind: "done" });
}
