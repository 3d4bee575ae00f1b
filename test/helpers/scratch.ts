import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";

/** A folder for one test, gone after it, whatever lies in it. Plain users can read it. */
export async function scratch(t: ExecutionContext, parent = tmpdir()): Promise<string> {
  const folder = mkdtempSync(join(parent, "tsbuild-test-"));
  t.teardown(async () => {
    await execa("rm", ["-rf", "--one-file-system", folder]);
  });
  await execa("chmod", ["755", folder]);
  return folder;
}
