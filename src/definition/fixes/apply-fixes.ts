import type { Diagnostic, Edit } from "../../model/diagnostic.ts";

export interface AppliedFixes {
  readonly text: string;
  /** The findings whose fixes are in the text. */
  readonly fixed: readonly Diagnostic[];
}

/**
 * The text with the fixes of the findings. One that touches what another has changed already is left for the next time.
 * @param source the text that the fixes were made for
 */
export function applyFixes(source: string, diagnostics: readonly Diagnostic[]): AppliedFixes {
  const taken: Edit[] = [];
  const fixed: Diagnostic[] = [];
  for (const diagnostic of diagnostics) {
    const edits = diagnostic.fix?.edits ?? [];
    const isFree = edits.every((edit) => taken.every((other) => isApart(edit, other)));
    // One that changes nothing would never be done.
    const changes = edits.some(({ start, end, text }) => source.slice(start, end) !== text);
    if (!changes || !isFree) continue;
    taken.push(...edits);
    fixed.push(diagnostic);
  }
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text } of taken.toSorted((a, b) => a.start - b.start)) {
    parts.push(source.slice(at, start), text);
    at = end;
  }
  return { text: parts.join("") + source.slice(at), fixed };
}

/** Two that only touch are not apart: in which order they go in would matter. */
function isApart(a: Edit, b: Edit): boolean {
  return a.end < b.start || b.end < a.start;
}
