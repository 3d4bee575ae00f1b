import type { ListedEntry, TreeList } from "./list-tree.ts";

export interface TreeDifference {
  readonly path: string;
  /** A member of `ListedEntry`, or `presence` for a path that only one tree has. */
  readonly what: keyof ListedEntry | "presence";
  readonly ours: unknown;
  readonly theirs: unknown;
}

/** A difference that is meant, and why. */
export interface AllowedDifference {
  readonly why: string;
  allows(difference: TreeDifference): boolean;
}

const members = [
  "type",
  "mode",
  "uid",
  "gid",
  "mtimeSeconds",
  "sizeBytes",
  "sha256",
  "target",
  "device",
  "names",
  "xattrs",
] as const;

/** All in which two trees differ, but for what is allowed. Empty when they are equal. */
export function compareTrees(
  ours: TreeList,
  theirs: TreeList,
  allowed: readonly AllowedDifference[] = [],
): TreeDifference[] {
  const found: TreeDifference[] = [];
  const note = (difference: TreeDifference) => {
    if (!allowed.some((rule) => rule.allows(difference))) found.push(difference);
  };
  for (const path of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const a = ours[path];
    const b = theirs[path];
    if (a === undefined || b === undefined) {
      note({ path, what: "presence", ours: a, theirs: b });
      continue;
    }
    for (const what of members) {
      // Key order of xattrs is the file system's business.
      if (stable(a[what]) !== stable(b[what])) note({ path, what, ours: a[what], theirs: b[what] });
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function stable(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return JSON.stringify(value) ?? "";
  }
  return JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The first few differences as lines, for the message of a test that failed. */
export function describeDifferences(differences: readonly TreeDifference[], limit = 20): string {
  const lines = differences
    .slice(0, limit)
    .map(
      ({ path, what, ours, theirs }) =>
        `/${path}: ${what}: ${JSON.stringify(ours)} here, ${JSON.stringify(theirs)} there`,
    );
  if (differences.length > limit) lines.push(`and ${differences.length - limit} more`);
  return lines.join("\n");
}
