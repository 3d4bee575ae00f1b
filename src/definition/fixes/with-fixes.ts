import type { Diagnostic } from "../../model/diagnostic.ts";
import { SourceLines } from "../source-lines.ts";
import { fixers } from "./fixers.ts";
import { placeOf, type FixContext } from "./place.ts";

/**
 * The findings with a fix where there is a certain one. To add a fix, write it beside those of its kind and name it in
 * `fixers.ts`; its case in `test/definition/fixes.test.ts` is what holds it to its finding.
 * @param source as `Definition.source`
 */
export function withFixes(
  diagnostics: readonly Diagnostic[],
  source: string,
  file: string,
  context: FixContext,
): Diagnostic[] {
  // Most files have nothing to mend, and need no list of their lines.
  let lines: SourceLines | undefined;
  return diagnostics.map((diagnostic) => {
    const fixer = Object.hasOwn(fixers, diagnostic.code) ? fixers[diagnostic.code] : undefined;
    if (fixer === undefined || diagnostic.location.file !== file) return diagnostic;
    lines ??= new SourceLines(source);
    const place = placeOf(diagnostic, lines);
    const fix = place === undefined ? undefined : fixer(place, context);
    return fix === undefined ? diagnostic : { ...diagnostic, fix };
  });
}
