import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filterLoaders } from "../../src/isolation/filter-loader.ts";
import { readHostFacts } from "../../src/isolation/host-facts.ts";
import { hostTest } from "../helpers/tool.ts";

const isRoot = process.geteuid?.() === 0;

hostTest(
  "root",
  isRoot,
  "every loader of this machine loads the filter and hands on its arguments",
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const facts = await readHostFacts(folder, process.env, undefined);
    const loaders = filterLoaders(facts, "fake-root");
    t.true(loaders.length > 0);
    for (const loader of loaders) {
      for (const { name, bytes, mode } of loader.files)
        writeFileSync(join(folder, name), bytes, { mode });
      const file = join(folder, "owned");
      writeFileSync(file, "");
      const script =
        'chown 5:6 "$1" && stat -c %u:%g "$1"; grep Seccomp: /proc/self/status; echo "$A|$2"';
      const words = loader.prefix(folder);
      const { stdout, stderr, status } = spawnSync(
        words[0] ?? "",
        [...words.slice(1), "/bin/sh", "-c", script, "sh", file, "two words"],
        { encoding: "utf8", env: { PATH: process.env["PATH"], A: "a value" } },
      );
      t.is(stderr, "");
      t.is(stdout, "0:0\nSeccomp:\t2\na value|two words\n", words[0]);
      t.is(status, 0);
      const missing = spawnSync(words[0] ?? "", [...words.slice(1), "/nowhere/at/all"]);
      t.not(missing.status, 0);
    }
  },
);
