import { dirname } from "node:path";
import { writeSif } from "../sif/write.ts";
import { TargetFile } from "./target-file.ts";
import { writeError } from "./write-error.ts";

/**
 * Makes an image without objects, for others to add them; as siftool's, it can't be executed directly.
 * @throws {UsageError} `target/exists`
 * @throws {HostError} `host/no-space`, `host/not-writable`, `host/no-folder`, `host/write-failed`
 */
export async function newSif(path: string, timeSeconds: number): Promise<void> {
  try {
    await using target = await TargetFile.create(path, false);
    await writeSif(target.file, [], {
      architecture: "",
      timeSeconds,
      uuid: "random",
      launchScript: "",
    });
    await target.commit(false);
  } catch (error) {
    throw writeError(error, path, dirname(path));
  }
}
