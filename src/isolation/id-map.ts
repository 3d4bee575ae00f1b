import type { IdMapRow } from "./isolation.ts";

/** The rows of /proc/PID/uid_map or gid_map (user_namespaces(7)). */
export function parseIdMap(text: string): IdMapRow[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([inside, outside, count]) =>
      inside === undefined || outside === undefined || count === undefined
        ? []
        : [{ inside, outside, count }],
    );
}

/** What is to be written to such a file. */
export function formatIdMap(rows: readonly IdMapRow[]): string {
  return rows.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");
}

/** How many ids there are. */
export function mappedIds(rows: readonly IdMapRow[]): number {
  return rows.reduce((sum, { count }) => sum + count, 0);
}

/** Fewer than this, and the ids of ordinary users and services of a distribution are not among them. */
export const usefulIds = 1000;

/** What distributions give, and what an image needs that has a user called nobody, 65534. */
export const wantedIds = 65_536;
