import { editDistance } from "../../model/edit-distance.ts";
import { suggest } from "../suggest.ts";

/**
 * The candidate that a misspelt word surely means: it is one slip away (two in a long word), and no other is as near.
 * Case is no slip.
 */
export function certainSuggestion(word: string, candidates: readonly string[]): string | undefined {
  const best = suggest(word, candidates);
  if (best === undefined) return undefined;
  const distance = (other: string) => editDistance(word.toLowerCase(), other.toLowerCase());
  const nearest = distance(best);
  if (nearest > (word.length > 8 ? 2 : 1)) return undefined;
  const isAlone = candidates.every((other) => other === best || distance(other) > nearest);
  return isAlone ? best : undefined;
}
