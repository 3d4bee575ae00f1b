import type { Diagnostic } from "../model/diagnostic.ts";
import { checkDefinition } from "./check-definition.ts";
import { applyFixes } from "./fixes/apply-fixes.ts";
import { readDefinition, type ReadOptions } from "./read-definition.ts";
import { decodeText, leaveText } from "./text-encoding.ts";

export interface FixedDefinition {
  /** The file with its fixes: the same bytes when there was nothing to fix. */
  readonly bytes: Uint8Array;
  /** What was mended, with the places that it had when it was. */
  readonly fixed: readonly Diagnostic[];
  /** What `checkDefinition` still finds, with places in the new text. */
  readonly remaining: readonly Diagnostic[];
}

/** A fix may bring another to light, that of a misspelt heading for instance; more rounds than this have no end. */
const maxRounds = 20;

/** Applies the fixes of all findings, until none is left. What the file's encoding is doesn't matter. */
export function fixDefinition(source: Uint8Array, options: ReadOptions): FixedDefinition {
  let bytes = source;
  const fixed: Diagnostic[] = [];
  for (let round = 0; ; round++) {
    const found = checkDefinition(readDefinition(bytes, options));
    const { encoding, text } = decodeText(bytes);
    const applied = applyFixes(leaveText(text, encoding), found);
    if (applied.fixed.length === 0 || round === maxRounds)
      return { bytes, fixed, remaining: found };
    fixed.push(...applied.fixed);
    bytes = Buffer.from(applied.text, encoding);
  }
}
