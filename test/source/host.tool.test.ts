import { realpathSync } from "node:fs";
import { execa } from "execa";
import { LibrarySearch } from "../../src/elf/library-search.ts";
import { HostMachine } from "../../src/source/host-machine.ts";
import { isInstalled, toolTest } from "../helpers/tool.ts";

const real = (path: string) => realpathSync(path);

const sorted = (paths: readonly string[]) =>
  [...new Set(paths)].toSorted((a, b) => (a < b ? -1 : 1));

toolTest(["ldd"], "a program's libraries are those that its loader loads", async (t) => {
  const machine = new HostMachine();
  const search = new LibrarySearch(machine);
  const names = "sh bash ls cat tar python3 git perl gcc ssh curl gpg systemctl java node".split(
    " ",
  );
  let judged = 0;
  for (const name of [...names.filter(isInstalled), process.execPath]) {
    const { stdout: found } = await execa("sh", ["-c", 'command -v "$1"', "sh", name]);
    const path = real(found);
    const elf = machine.elf(path);
    if (elf === undefined) continue;
    const { stdout, exitCode } = await execa("ldd", [path], { reject: false });
    // It has nothing to say of static programs.
    const lines = exitCode === 0 ? stdout.split("\n") : [];
    const theirs = lines.flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
    const { libraries, missing } = search.librariesOf(path, elf);
    t.deepEqual(sorted(libraries.map(real)), sorted(theirs.map(real)), path);
    t.deepEqual(missing, [], path);
    judged++;
  }
  t.true(judged >= 5, `only ${judged} programs were judged`);
});
