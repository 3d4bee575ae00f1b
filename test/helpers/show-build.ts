// A program for tests: shows a build that never happens on the terminal that it has. Its words: how many steps.

import { setTimeout as sleep } from "node:timers/promises";
import { lookOf, terminalView } from "../../src/cli/ui-terminal.ts";

const steps = Number(process.argv[2] ?? 3);
{
  using view = terminalView(process, lookOf(process.env, {}), "normal");
  const { listener } = view;
  listener({ type: "build-start", target: "app.sif", spec: "app.def", steps });
  for (let step = 1; step <= steps; step++) {
    listener({ type: "step-start", step, title: `step number ${step} with some more words` });
    for (let line = 1; line <= 40; line++) {
      listener({
        type: "step-output",
        step,
        stream: "stderr",
        line: `+ line ${line} ${"x".repeat(line * 4)}`,
      });
      listener({ type: "progress", task: "layer", done: line, total: 40, unit: "bytes" });
      await sleep(20);
    }
    listener({ type: "step-end", step, elapsedMs: 800 });
  }
  listener({ type: "build-end", target: "app.sif", sizeBytes: 4096, elapsedMs: 1000 });
}
process.stderr.write("after\n");
await sleep(60_000);
