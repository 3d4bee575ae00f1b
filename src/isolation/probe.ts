import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../model/error.ts";
import { captureProgram } from "../system/run-program.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import type { HostFacts } from "./host-facts.ts";

const limitMs = 5000;

/** Runs a program that shows by its success that something is possible. Says why not, or undefined. */
export async function probe(command: readonly string[]): Promise<string | undefined> {
  try {
    const { exitCode, stderr } = await captureProgram(command, { timeoutMs: limitMs });
    if (exitCode === 0) return undefined;
    return firstLine(stderr) ?? `${command[0]} ended with status ${exitCode ?? "unknown"}`;
  } catch (error) {
    if (error instanceof HostError) return error.message;
    throw error;
  }
}

/**
 * Whether mounts and processes can be kept apart and something be mounted.
 * @param run runs the trial and says why it failed, where it is not simply to be started
 */
export async function probeMounts(
  facts: HostFacts,
  userOptions: readonly string[] = [],
  run: (command: readonly string[]) => Promise<string | undefined> = probe,
): Promise<string | undefined> {
  const { unshare, mount } = facts.programs;
  if (unshare === undefined || mount === undefined) {
    return `${unshare === undefined ? "unshare" : "mount"} is not installed (util-linux)`;
  }
  const refused = await run(
    [
      [unshare, ...userOptions, "--mount", "--propagation", "private"],
      ["--pid", "--fork", "--kill-child", "--ipc", "--uts", "--"],
      [mount, "-n", "-t", "tmpfs", "tsbuild", "/tmp"],
    ].flat(),
  );
  // The unshare of busybox knows none of these options.
  return refused !== undefined && /unrecognized option|invalid option/.test(refused)
    ? `${unshare} is too old or not from util-linux: ${refused}`
    : refused;
}

/** Whether files in the folder can be given to other users by this process. */
export async function probeOwners(folder: string): Promise<string | undefined> {
  try {
    await using made = await TemporaryFolder.create(folder);
    const file = join(made.folder, "file");
    writeFileSync(file, "");
    chownSync(file, 1, 1);
    return undefined;
  } catch (error) {
    return `files in ${folder} can't be given to other users: ${firstLine(String(error))}`;
  }
}

export function firstLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "");
}
