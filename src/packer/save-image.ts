import { resolve } from "node:path";
import { TargetFile } from "./target-file.ts";
import { writeError } from "./write-error.ts";

/**
 * Writes an image file as it comes. It appears at the target whole and on the disk, or the target stays as it was.
 * @param options.check looks at the finished file before it takes its place, and throws what is wrong with it
 * @returns its bytes
 * @throws {UsageError} `target/exists`
 * @throws {HostError} `host/no-space`, `host/not-writable`, `host/no-folder`, `host/write-failed`
 * @throws what the chunks throw
 */
export async function saveImage(
  chunks: AsyncIterable<Uint8Array>,
  target: string,
  options: { readonly force: boolean; readonly check: (file: string) => Promise<void> },
): Promise<number> {
  const path = resolve(target);
  try {
    await using destination = await TargetFile.create(path, options.force);
    let done = 0;
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.length;) {
        const left = chunk.length - from;
        const { bytesWritten } = await destination.file.write(chunk, from, left, done);
        from += bytesWritten;
        done += bytesWritten;
      }
    }
    await options.check(destination.temporary);
    await destination.commit(options.force);
    return done;
  } catch (error) {
    throw writeError(error, path, resolve(path, ".."));
  }
}
