import { readFileSync } from "node:fs";
import { captureProgram } from "../system/run-program.ts";
import type { HostFacts } from "./host-facts.ts";

export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/**
 * The ranges of ids that a user may use in namespaces: what `getsubids` says, which also asks the network, else the
 * file (subuid(5)).
 */
export async function subordinateRanges(
  kind: "uid" | "gid",
  facts: HostFacts,
): Promise<readonly IdRange[]> {
  const { getsubids } = facts.programs;
  if (getsubids !== undefined) {
    const command = [getsubids, ...(kind === "gid" ? ["-g"] : []), facts.userName];
    const { exitCode, stdout } = await captureProgram(command, { timeoutMs: 5000 });
    const ranges = parseGetsubids(stdout);
    if (exitCode === 0 && ranges.length > 0) return ranges;
  }
  return rangesOf(readFile(`/etc/sub${kind}`), facts.userName, facts.uid);
}

/** The lines `NAME:START:COUNT` of a file for a user, who may stand there by name or by number. */
export function rangesOf(file: string, userName: string, uid: number): IdRange[] {
  return file
    .split("\n")
    .map((line) => line.trim().split(":"))
    .filter(([owner]) => owner === userName || owner === `${uid}`)
    .flatMap(([, start, count]) => range(start, count));
}

/** The lines `INDEX: NAME START COUNT`. */
export function parseGetsubids(output: string): IdRange[] {
  return output
    .split("\n")
    .map((line) => /^\d+: \S+ (\d+) (\d+)$/.exec(line.trim()))
    .flatMap((match) => range(match?.[1], match?.[2]));
}

function range(start: string | undefined, count: string | undefined): IdRange[] {
  if (!/^\d+$/.test(start ?? "") || !/^\d+$/.test(count ?? "")) return [];
  const parsed = { start: Number(start), count: Number(count) };
  return parsed.count > 0 && parsed.start + parsed.count <= 0xffff_ffff ? [parsed] : [];
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
