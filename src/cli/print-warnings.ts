import { printDiagnostic } from "../definition/print-diagnostic.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Output } from "./terminal.ts";

/**
 * Shows what is worth knowing about a definition, each with its lines.
 * @param file whose text the source is; what is said of another, a file of build arguments, has no lines
 */
export function printWarnings(
  diagnostics: readonly Diagnostic[],
  file: string,
  source: string,
  stderr: Output,
): void {
  for (const diagnostic of diagnostics) {
    const isOfSource = diagnostic.location.file === file;
    stderr.write(`${printDiagnostic(diagnostic, isOfSource ? source : undefined)}\n`);
  }
}
