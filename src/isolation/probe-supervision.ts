import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../system/start-program.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { chooseFilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import { loaderStatus } from "./loader-elf.ts";

/**
 * Whether this kernel lets us answer a process's system calls (Linux 5.5 does): the loader loads the filter and hands its
 * listener over, which is dropped here. Then nobody answers that it wants to start a program, and it ends with a status
 * that says so.
 */
export async function probeSupervision(facts: HostFacts): Promise<boolean> {
  const loader = chooseFilterLoader(facts, "supervised");
  if (loader === undefined) return false;
  try {
    await using made = await TemporaryFolder.create(facts.folder);
    const { folder } = made;
    for (const { name, bytes, mode } of loader.files) {
      writeFileSync(join(folder, name), bytes, { mode });
    }
    const program = await startProgram([...loader.prefix(folder), "/bin/true"], {
      output: "ignore",
      pipes: ["read", "read", "read", "read"],
    });
    let wasHandedOver = false;
    program.pipes[3]?.on("data", () => {
      wasHandedOver = true;
    });
    const { exitCode } = await program.ended;
    return wasHandedOver && exitCode === loaderStatus.noProgram;
  } catch {
    return false;
  }
}
