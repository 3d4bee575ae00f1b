import { editDistance } from "../model/edit-distance.ts";

/**
 * The candidate that a misspelt word probably means, or undefined. The distance is the number of letters to insert,
 * drop, replace or swap; a third of the word may be wrong. Case is ignored; the first of equally near ones is given.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  // Nothing sensible is as long as this, and the distance takes time that grows with the square of the length.
  if (wanted.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance && distance < Math.max(wanted.length, candidate.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
