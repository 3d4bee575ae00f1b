import {
  CodeActionKind,
  type CodeAction,
  type Range,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { applyFixes } from "../definition/fixes/apply-fixes.ts";
import { SourceLines } from "../definition/source-lines.ts";
import type { Edit } from "../model/diagnostic.ts";
import { findingsOf, toDiagnostic } from "./diagnose.ts";

/** The fixes of the findings that the range touches, and one for all of the document when there is any. */
export function codeActions(document: TextDocument, range: Range): CodeAction[] {
  const lines = new SourceLines(document.getText());
  const mendable = findingsOf(lines.text).filter(({ fix }) => fix !== undefined);
  const from = document.offsetAt(range.start);
  const to = document.offsetAt(range.end);
  const changing = (edits: readonly Edit[]): WorkspaceEdit => ({
    changes: {
      [document.uri]: edits.map(({ start, end, text }) => ({
        range: { start: document.positionAt(start), end: document.positionAt(end) },
        newText: text,
      })),
    },
  });
  const actions: CodeAction[] = [];
  for (const finding of mendable) {
    const { start, end } = lines.span(finding.location);
    if (end < from || start > to || finding.fix === undefined) continue;
    actions.push({
      title: finding.fix.title,
      kind: CodeActionKind.QuickFix,
      isPreferred: true,
      diagnostics: [toDiagnostic(finding, lines, document)],
      edit: changing(finding.fix.edits),
    });
  }
  const { fixed } = applyFixes(lines.text, mendable);
  if (fixed.length > 0) {
    actions.push({
      title: "Mend all that can be mended with certainty",
      kind: CodeActionKind.SourceFixAll,
      edit: changing(fixed.flatMap(({ fix }) => fix?.edits ?? [])),
    });
  }
  return actions;
}
