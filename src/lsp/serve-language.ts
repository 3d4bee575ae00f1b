// The language server: which request is answered by which function. What the answers are is in the files beside.

import {
  CodeActionKind,
  createConnection,
  ErrorCodes,
  ResponseError,
  TextDocuments,
  TextDocumentSyncKind,
  type InitializeResult,
  type Position,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { codeActions } from "./code-actions.ts";
import { complete } from "./complete.ts";
import { diagnose } from "./diagnose.ts";
import { documentSymbols } from "./document-symbols.ts";
import { formatDocument } from "./format-document.ts";
import { goToDefinition } from "./go-to-definition.ts";
import { hover } from "./hover.ts";
import { renamable, renameStage } from "./rename-stage.ts";

/** How long nothing is typed before the document is looked at, in milliseconds. */
const quietMs = 150;

/**
 * Speaks the Language Server Protocol 3.17 over the two streams. It never comes back: the protocol's `exit`, or the end
 * of the input, ends the process, with 0 after a `shutdown` and with 1 without.
 */
export function serveLanguage(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  version: string,
): void {
  const connection = createConnection(input, output);
  const documents = new TextDocuments(TextDocument);
  const timers = new Map<string, NodeJS.Timeout>();

  /** Answers with what the function says of the document, and with nothing for one that is not open. */
  const at =
    <T>(answer: (document: TextDocument, offset: number) => T) =>
    (params: { textDocument: { uri: string }; position: Position }): T | null => {
      const document = documents.get(params.textDocument.uri);
      return document === undefined ? null : answer(document, document.offsetAt(params.position));
    };
  const of =
    <T>(answer: (document: TextDocument) => T) =>
    (params: { textDocument: { uri: string } }): T | null => {
      const document = documents.get(params.textDocument.uri);
      return document === undefined ? null : answer(document);
    };

  connection.onInitialize((): InitializeResult => ({
    serverInfo: { name: "tsbuild", version },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      completionProvider: { triggerCharacters: ["%", "{", ":", " ", "="] },
      hoverProvider: true,
      definitionProvider: true,
      renameProvider: { prepareProvider: true },
      documentFormattingProvider: true,
      documentSymbolProvider: true,
      codeActionProvider: {
        codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.SourceFixAll],
      },
    },
  }));
  connection.onCompletion(at(complete));
  connection.onHover(at((document, offset) => hover(document, offset) ?? null));
  connection.onDefinition(at((document, offset) => goToDefinition(document, offset) ?? null));
  connection.onPrepareRename(at((document, offset) => renamable(document, offset) ?? null));
  connection.onRenameRequest((params) => {
    const document = documents.get(params.textDocument.uri);
    if (document === undefined) return null;
    const edits = renameStage(document, document.offsetAt(params.position), params.newName);
    if (typeof edits === "string") return new ResponseError(ErrorCodes.InvalidParams, edits);
    return { changes: { [document.uri]: edits } };
  });
  connection.onDocumentFormatting(of(formatDocument));
  connection.onDocumentSymbol(of(documentSymbols));
  connection.onCodeAction((params) => {
    const document = documents.get(params.textDocument.uri);
    if (document === undefined) return null;
    const { only } = params.context;
    const isWanted = (kind = "") =>
      only === undefined || only.some((one) => kind === one || kind.startsWith(`${one}.`));
    return codeActions(document, params.range).filter(({ kind }) => isWanted(kind));
  });

  documents.onDidChangeContent(({ document: { uri } }) => {
    clearTimeout(timers.get(uri));
    timers.set(uri, setTimeout(tell, quietMs, uri));
  });
  documents.onDidClose(({ document: { uri } }) => {
    clearTimeout(timers.get(uri));
    timers.delete(uri);
    void connection.sendDiagnostics({ uri, diagnostics: [] });
  });
  function tell(uri: string): void {
    timers.delete(uri);
    const document = documents.get(uri);
    if (document === undefined) return;
    const { version: documentVersion } = document;
    void connection.sendDiagnostics({
      uri,
      version: documentVersion,
      diagnostics: diagnose(document),
    });
  }
  documents.listen(connection);
  connection.listen();
}
