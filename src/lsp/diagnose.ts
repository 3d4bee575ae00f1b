import { DiagnosticSeverity, type Diagnostic } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { checkDefinition } from "../definition/check-definition.ts";
import { readDefinition } from "../definition/read-definition.ts";
import { SourceLines } from "../definition/source-lines.ts";
import type * as model from "../model/diagnostic.ts";
import { agentNames } from "../source/find-source.ts";

/** What `tsbuild check` has to say about a document. */
export function findingsOf(text: string): model.Diagnostic[] {
  return checkDefinition(readDefinition(text, { file: "this file", agents: agentNames }));
}

/** The findings in the form of the protocol. */
export function diagnose(document: TextDocument): Diagnostic[] {
  const lines = new SourceLines(document.getText());
  return findingsOf(lines.text).map((finding) => toDiagnostic(finding, lines, document));
}

/** One finding in the form of the protocol. */
export function toDiagnostic(
  finding: model.Diagnostic,
  lines: SourceLines,
  document: TextDocument,
): Diagnostic {
  const { code, message, hint, location } = finding;
  const { start, end } = lines.span(location);
  return {
    range: { start: document.positionAt(start), end: document.positionAt(end) },
    severity: severityOf(finding),
    code,
    source: "tsbuild",
    message: hint === undefined ? message : `${message}\n${hint}`,
  };
}

function severityOf({ code, severity }: model.Diagnostic): DiagnosticSeverity {
  // Whoever builds may give the value on the command line, so the file alone is not wrong.
  if (code === "definition/undefined-argument") return DiagnosticSeverity.Information;
  return severity === "error" ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
}
