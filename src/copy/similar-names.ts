import { editDistance } from "../model/edit-distance.ts";

/** Names that a person may have meant, the likeliest first, three at most. */
export function similarNames(wanted: string, names: Iterable<string>): string[] {
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const lower = wanted.toLowerCase();
  return (
    [...names]
      // Names that are too much longer or shorter need no look at their letters.
      .filter((name) => Math.abs(name.length - wanted.length) <= limit)
      .map((name) => [name, editDistance(lower, name.toLowerCase())] as const)
      .filter(([name, steps]) => steps <= limit && name !== wanted)
      .toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
      .slice(0, 3)
      .map(([name]) => name)
  );
}
