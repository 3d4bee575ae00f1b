import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Command } from "commander";
import { addLimitFlags, limitsOf } from "../../src/cli/limit-flags.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";

const read = (...words: string[]) => {
  const command = new Command().exitOverride();
  addLimitFlags(command);
  return limitsOf(command.parse(words, { from: "user" }).opts());
};

const none = {
  memoryBytes: undefined,
  cpus: undefined,
  processes: undefined,
  timeoutMs: undefined,
};

const good: readonly [words: string[], expected: Partial<ReturnType<typeof read>>][] = [
  [[], {}],
  [["--memory", "512M"], { memoryBytes: 512 * 2 ** 20 }],
  [["--memory", "1.5g"], { memoryBytes: 1.5 * 2 ** 30 }],
  [["--memory", "2GiB"], { memoryBytes: 2 ** 31 }],
  [["--memory", "8388608"], { memoryBytes: 2 ** 23 }],
  [["--cpus", "1.5"], { cpus: 1.5 }],
  [["--pids", "100"], { processes: 100 }],
  [["--timeout", "90"], { timeoutMs: 90_000 }],
  [["--timeout", "90s"], { timeoutMs: 90_000 }],
  [["--timeout", "1h30m"], { timeoutMs: 5_400_000 }],
  [["--timeout", "0.5s"], { timeoutMs: 500 }],
  [["--timeout", "1d"], { timeoutMs: 86_400_000 }],
];

for (const [words, expected] of good) {
  test(`limits of "${words.join(" ")}"`, (t) => {
    t.deepEqual(read(...words), { ...none, ...expected });
  });
}

for (const words of [
  ["--memory", "lots"],
  ["--memory", "1M"],
  ["--memory", "-1G"],
  ["--memory", ""],
  ["--cpus", "0"],
  ["--cpus", "two"],
  ["--pids", "1"],
  ["--pids", "1.5"],
  ["--timeout", "0"],
  ["--timeout", "1h30"],
  ["--timeout", "soon"],
  ["--timeout", "100d"],
  ["--timeout", ""],
]) {
  test(`${words.join(" ")} is refused`, async (t) => {
    const folder = await scratch(t);
    writeFileSync(join(folder, "app.def"), "Bootstrap: scratch\n");
    const { error } = await runCli(["build", ...words, "app.sif", "app.def"], folder);
    t.is(error?.code, "usage/options");
    t.true(error?.message.includes(words[0] ?? ""), error?.message);
  });
}
