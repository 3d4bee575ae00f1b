import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import type { Diagnostic, InitializeResult } from "vscode-languageserver/node";

interface Published {
  readonly uri: string;
  readonly version?: number;
  readonly diagnostics: readonly Diagnostic[];
}

export interface LanguageClient {
  readonly initialized: InitializeResult;
  request<T>(method: string, params: object): Promise<T>;
  notify(method: string, params: object): Promise<void>;
  /** The next findings that the server tells of the document, after those given before. */
  diagnostics(uri: string): Promise<Published>;
  /** Says goodbye as the protocol has it, and gives what the server exits with. */
  end(): Promise<number | null>;
  /** Goes away without a word. */
  hangUp(): Promise<number | null>;
  /** What the server wrote to standard error. */
  stderr(): string;
}

/** Starts the real program as an editor does, and greets it. It goes when the process does that started it. */
export async function startLanguageClient(...words: readonly string[]): Promise<LanguageClient> {
  const server = spawn(process.execPath, ["src/main.ts", "lsp", ...words]);
  const exited = once(server, "exit").then(([code]: (number | null)[]) => code ?? null);
  let stderr = "";
  server.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const told = new EventEmitter();
  const waiting: Published[] = [];
  connection.onNotification("textDocument/publishDiagnostics", (params: Published) => {
    waiting.push(params);
    told.emit("told");
  });
  connection.listen();
  const initialized = await connection.sendRequest<InitializeResult>("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
  });
  await connection.sendNotification("initialized", {});
  return {
    initialized,
    request: async <T>(method: string, params: object) => connection.sendRequest<T>(method, params),
    notify: async (method, params) => connection.sendNotification(method, params),
    async diagnostics(uri) {
      for (;;) {
        const index = waiting.findIndex((published) => published.uri === uri);
        const [next] = index === -1 ? [] : waiting.splice(index, 1);
        if (next !== undefined) return next;
        await once(told, "told");
      }
    },
    async end() {
      await connection.sendRequest("shutdown");
      await connection.sendNotification("exit");
      return exited;
    },
    async hangUp() {
      server.stdin.end();
      return exited;
    },
    stderr: () => stderr,
  };
}
