import type { Range, TextEdit } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Span } from "../definition/read-stage.ts";
import { outlineOf, type StageOutline } from "./outline.ts";
import { namesOf, stageCalled, symbolAt } from "./symbol-at.ts";

/** The name of a stage at the offset, if there is one that can be changed: not what a build argument gives. */
export function renamable(document: TextDocument, offset: number): Range | undefined {
  const found = stageNameAt(document.getText(), offset);
  return found === undefined ? undefined : rangeOf(document, found);
}

/**
 * The edits that give the stage at the offset another name, on its own line and wherever files are copied from it.
 * @returns in words why it can't be, when it can't
 */
export function renameStage(
  document: TextDocument,
  offset: number,
  newName: string,
): TextEdit[] | string {
  const text = document.getText();
  const found = stageNameAt(text, offset);
  if (found === undefined) return "there is no name of a stage here";
  if (!/^[^\s#\\{}]+$/u.test(newName)) {
    return "a stage's name is one word, without # and backslash, or %files from can't name it";
  }
  const other = stageCalled(outlineOf(text), newName);
  if (other !== undefined && other.start !== found.stage.start) {
    return `there is a stage ${newName} already`;
  }
  return namesOf(text, found.stage).map((name) => ({
    range: rangeOf(document, name),
    newText: newName,
  }));
}

function stageNameAt(text: string, offset: number): (Span & { stage: StageOutline }) | undefined {
  const symbol = symbolAt(text, offset);
  if (symbol?.kind !== "stage" || symbol.stage === undefined) return undefined;
  if (symbol.name.includes("{{")) return undefined;
  return { start: symbol.start, end: symbol.end, stage: symbol.stage };
}

function rangeOf(document: TextDocument, { start, end }: Span): Range {
  return { start: document.positionAt(start), end: document.positionAt(end) };
}
