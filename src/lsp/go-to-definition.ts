import type { Location } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Span } from "../definition/read-stage.ts";
import { symbolAt } from "./symbol-at.ts";

/** Where the stage or the build argument at the offset gets its name: a `Stage:` line, or a line of `%arguments`. */
export function goToDefinition(document: TextDocument, offset: number): Location | undefined {
  const symbol = symbolAt(document.getText(), offset);
  let span: Span | undefined;
  if (symbol?.kind === "stage") span = symbol.stage?.name;
  else if (symbol?.kind === "argument") span = symbol.argument?.name;
  if (span === undefined) return undefined;
  const range = { start: document.positionAt(span.start), end: document.positionAt(span.end) };
  return { uri: document.uri, range };
}
