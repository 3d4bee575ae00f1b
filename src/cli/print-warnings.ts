import { printDiagnostic } from "../definition/print-diagnostic.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Output } from "./terminal.ts";

/** Shows what is worth knowing about a definition, each with its lines. */
export function printWarnings(
  diagnostics: readonly Diagnostic[],
  source: string,
  stderr: Output,
): void {
  for (const diagnostic of diagnostics) stderr.write(`${printDiagnostic(diagnostic, source)}\n`);
}
