import {
  CodeActionKind,
  type CodeAction,
  type Range,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { applyFixes } from "../definition/fixes/apply-fixes.ts";
import { SourceLines } from "../definition/source-lines.ts";
import { skipBlanks } from "../definition/white-space.ts";
import type { Edit } from "../model/diagnostic.ts";
import { findingsOf, toDiagnostic } from "./diagnose.ts";
import { outlineOf } from "./outline.ts";

/** Lines that look like headings where text may be meant. */
const headings: ReadonlySet<string> = new Set([
  "definition/unknown-section",
  "definition/heading-in-heredoc",
  "definition/bootstrap-in-heredoc",
]);

/**
 * The fixes of the findings that the range touches, and one for all of the document when there is any. A line that can't
 * be a heading, or is hardly meant to be one, can be marked as text, which nobody but the author can know it is.
 */
export function codeActions(document: TextDocument, range: Range): CodeAction[] {
  const lines = new SourceLines(document.getText());
  const findings = findingsOf(lines.text);
  const mendable = findings.filter(({ fix }) => fix !== undefined);
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
  const sections = outlineOf(lines.text).flatMap((stage) => stage.sections);
  for (const finding of findings) {
    const { start, end } = lines.span(finding.location);
    if (end < from || start > to || !headings.has(finding.code)) continue;
    // Above the first section there is no text.
    if (!sections.some(({ heading }) => heading.start < start)) continue;
    const at = skipBlanks(lines.text, lines.start(finding.location.line));
    actions.push({
      title: "Mark the line as text with %\\",
      kind: CodeActionKind.QuickFix,
      diagnostics: [toDiagnostic(finding, lines, document)],
      edit: changing([{ start: at, end: at, text: "%\\" }]),
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
