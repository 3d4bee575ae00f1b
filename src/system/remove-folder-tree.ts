import { chmodSync, lstatSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../model/error.ts";
import { unescaped } from "./mount-options.ts";
import { captureProgram } from "./run-program.ts";

/** How long a program that has ended may take to close its files for a network file system. */
const mostClosingMs = 2000;

/**
 * Deletes a folder with all below it, or nothing if it is not there. Symbolic links are not followed, folders without
 * permissions are opened first, and nothing is touched while something is mounted below it.
 *
 * A file that a program has open is only renamed by NFS when it is deleted, to `.nfs…`, until it is closed. Where nothing
 * but such files is left after two seconds, they stay.
 * @returns whether all is gone
 * @throws {HostError} `host/folder-in-use`, `host/remove-folder`
 */
export async function removeFolderTree(folder: string): Promise<boolean> {
  const exists = await lstat(folder).then(
    () => true,
    () => false,
  );
  if (!exists) return true;
  refuseMounts(folder);
  const remove = ["rm", "-rf", "--", folder];
  const first = await captureProgram(remove);
  if (first.exitCode === 0) return true;
  openFolders(folder);
  let second = await captureProgram(remove);
  const started = performance.now();
  while (second.exitCode !== 0 && holdsOnlyOpenFiles(folder)) {
    if (performance.now() - started > mostClosingMs) return false;
    await sleep(100);
    second = await captureProgram(remove);
  }
  if (second.exitCode === 0) return true;
  throw new HostError("host/remove-folder", `can't delete the temporary folder ${folder}`, {
    hint: "delete it yourself; files that another user owns need that user, or root",
    details: second.stderr.trimEnd().split("\n").slice(0, 5),
  });
}

/** As `removeFolderTree`, at once and as well as it goes: for the end of the process. */
export function removeFolderTreeNow(folder: string): void {
  refuseMounts(folder);
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    openFolders(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

function refuseMounts(folder: string): void {
  for (const line of readFileSync("/proc/self/mountinfo", "latin1").split("\n")) {
    const mountPoint = unescaped(line.split(" ")[4] ?? "");
    if (mountPoint.startsWith(`${Buffer.from(folder).toString("latin1")}/`)) {
      throw new HostError(
        "host/folder-in-use",
        `the temporary folder ${folder} is not deleted: something is mounted at ${mountPoint}`,
        { hint: "unmount it, then delete the folder" },
      );
    }
  }
}

const keptOpen = /^\.nfs[0-9a-f]{16,}$/;

/** Whether all that is left of a folder is files that were deleted and that somebody has open. */
function holdsOnlyOpenFiles(folder: string): boolean {
  try {
    const left = readdirSync(folder, { recursive: true, withFileTypes: true });
    return left.every((entry) => entry.isDirectory() || keptOpen.test(entry.name));
  } catch {
    return false;
  }
}

/** Gives the owner all rights on every folder that is ours, so that what is in it can go. */
function openFolders(folder: string): void {
  const stack: Buffer[] = [Buffer.from(folder)];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    try {
      const stats = lstatSync(at);
      if ((stats.mode & 0o700) !== 0o700) chmodSync(at, (stats.mode & 0o7777) | 0o700);
      for (const entry of readdirSync(at, { withFileTypes: true, encoding: "buffer" })) {
        if (entry.isDirectory()) stack.push(Buffer.concat([at, Buffer.from("/"), entry.name]));
      }
    } catch {
      // Not ours. What is below may be lost, the rest is not.
    }
  }
}
