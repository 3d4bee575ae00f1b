import type { TextEdit } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { formatDefinition } from "../definition/format-definition.ts";
import { DefinitionError } from "../model/error.ts";

/** What `tsbuild format` changes; nothing while the document can't be read. */
export function formatDocument(document: TextDocument): TextEdit[] {
  const text = document.getText();
  const formatted = formattedText(text);
  if (formatted === undefined || formatted === text) return [];
  const start = { line: 0, character: 0 };
  return [{ range: { start, end: document.positionAt(text.length) }, newText: formatted }];
}

function formattedText(text: string): string | undefined {
  try {
    return formatDefinition(text);
  } catch (error) {
    if (error instanceof DefinitionError) return undefined;
    throw error;
  }
}
