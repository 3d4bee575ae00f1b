import test from "ava";
import type {
  CodeAction,
  CompletionItem,
  DocumentSymbol,
  Hover,
  Location,
  Range,
  TextEdit,
  WorkspaceEdit,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { startLanguageClient, type LanguageClient } from "../helpers/language-client.ts";

/** The server that all documents are opened in, as in an editor. */
let server: LanguageClient;
let count = 0;

test.before("the server is started", async () => {
  server = await startLanguageClient();
});

test.after.always("the server is stopped", async (t) => {
  t.is(await server.end(), 0);
  t.is(server.stderr(), "");
});

interface Opened {
  readonly uri: string;
  readonly document: TextDocument;
  /** The parameters of a request at the place where `|` stands in the text. */
  readonly at: { readonly textDocument: { uri: string }; readonly position: object };
}

/** Opens a text as a new document; a `|` in it is the cursor. */
async function open(marked: string): Promise<Opened> {
  const cursor = Math.max(0, marked.indexOf("|"));
  const text = marked.replace("|", "");
  const uri = `file:///work/${count++}.def`;
  await server.notify("textDocument/didOpen", {
    textDocument: { uri, languageId: "singularity", version: 1, text },
  });
  const document = TextDocument.create(uri, "singularity", 1, text);
  return { uri, document, at: { textDocument: { uri }, position: document.positionAt(cursor) } };
}

const docker = "Bootstrap: docker\nFrom: debian:12\n";

test("the server tells what it can do, and ends with 0 when it is asked to", async (t) => {
  const client = await startLanguageClient("--stdio");
  t.like(client.initialized, {
    serverInfo: { name: "tsbuild" },
    capabilities: { hoverProvider: true, renameProvider: { prepareProvider: true } },
  });
  t.is(await client.end(), 0);
  t.is(client.stderr(), "");
});

test("the server ends with 1 when the editor is gone", async (t) => {
  const client = await startLanguageClient();
  t.is(await client.hangUp(), 1);
});

test("findings come as one types, in UTF-16 columns, and go when the document is closed", async (t) => {
  const { uri } = await open(`${docker}%post\nprintf '𝄞é' && apt-get install gcc\n`);
  const first = await server.diagnostics(uri);
  t.is(first.version, 1);
  t.deepEqual(
    first.diagnostics.map(({ code, severity, range }) => [code, severity, range]),
    [
      [
        "check/install-without-yes",
        2,
        // The clef is two code units.
        { start: { line: 3, character: 16 }, end: { line: 3, character: 35 } },
      ],
    ],
  );
  const change = (version: number, text: string) =>
    server.notify("textDocument/didChange", {
      textDocument: { uri, version },
      contentChanges: [
        {
          range: { start: { line: 3, character: 31 }, end: { line: 3, character: 31 } },
          text,
        },
      ],
    });
  await change(2, " -");
  await change(3, "y");
  const second = await server.diagnostics(uri);
  t.is(second.version, 3, "what was typed in a row is looked at once");
  await server.notify("textDocument/didClose", { textDocument: { uri } });
  t.deepEqual((await server.diagnostics(uri)).diagnostics, []);
});

test("a build argument without a default is no mistake of the file", async (t) => {
  const { uri } = await open("Bootstrap: docker\nFrom: {{ image }}\n");
  const { diagnostics } = await server.diagnostics(uri);
  t.like(diagnostics, [{ code: "definition/undefined-argument", severity: 3 }]);
});

async function labels(text: string): Promise<string[]> {
  const { at } = await open(text);
  const items = await server.request<CompletionItem[]>("textDocument/completion", at);
  return items.map(({ label }) => label);
}

test("sections are proposed behind a % at the start of a line", async (t) => {
  const found = await labels(`${docker}%po|`);
  t.true(found.includes("%post") && found.includes("%appinstall"), found.join(" "));
  t.deepEqual(await labels(`${docker}%post\nprintf %|`), []);
});

test("keywords that the agent reads are proposed in the header, but not those that are there", async (t) => {
  const found = await labels("Bootstrap: docker\nFrom: a:1\n|\n%post\ntrue\n");
  t.true(found.includes("Stage") && found.includes("Registry"), found.join(" "));
  t.false(found.includes("From") || found.includes("Bootstrap") || found.includes("OSVersion"));
  t.true((await labels("|")).includes("Bootstrap"));
  t.deepEqual(await labels(`${docker}%post\nFr|`), []);
});

test("agents are proposed behind Bootstrap", async (t) => {
  const found = await labels("Bootstrap: do|");
  t.true(found.includes("docker") && found.includes("localimage"), found.join(" "));
});

test("stages are proposed behind %files from", async (t) => {
  const text = `${docker}Stage: build\n${docker}Stage: own\n%files from |`;
  t.deepEqual(await labels(text), ["build"]);
});

test("build arguments are proposed between braces, and closed", async (t) => {
  const { at, document } = await open(
    "Bootstrap: docker\nFrom: debian:{{ v|\n%arguments\nversion=12\n",
  );
  const items = await server.request<CompletionItem[]>("textDocument/completion", at);
  t.is(items[0]?.detail, "by default 12");
  const edit = items[0]?.textEdit as TextEdit;
  t.is(
    TextDocument.applyEdits(document, [edit]),
    "Bootstrap: docker\nFrom: debian:{{ version }}\n%arguments\nversion=12\n",
  );
});

test("the names of rules are proposed where they are switched off", async (t) => {
  const found = await labels(`${docker}# tsbuild: disable=secret, |`);
  t.true(found.includes("unpinned-image"), found.join(" "));
});

const hovered: readonly (readonly [text: string, shown: RegExp])[] = [
  [`${docker}%po|st\ntrue\n`, /^\*\*%post\*\* — /],
  [`${docker}%app|run foo\ntrue\n`, /^\*\*%apprun\*\* — /],
  [
    "Bootstrap: docker\nFr|om: a:1\n",
    /^\*\*From\*\* — .*\n\nFor the agent `docker`, which needs it: /,
  ],
  ["Bootstrap: doc|ker\nFrom: a:1\n", /^\*\*docker\*\* — /],
  ["Bootstrap: docker\nFrom: a:{{ v| }}\n%arguments\nv=1\nv=`2`\n", /by default `` `2` ``\.$/],
  ["Bootstrap: docker\nFrom: a:{{ w| }}\n", /`--build-arg w=VALUE`/],
  [
    `${docker}Stage: one\n${docker}%files from o|ne\n/a /b\n`,
    /^Stage \*\*one\*\*, from `debian:12`/,
  ],
];

for (const [text, shown] of hovered) {
  test(`hovering tells what stands at | in ${JSON.stringify(text)}`, async (t) => {
    const { at } = await open(text);
    const { contents } = await server.request<Hover>("textDocument/hover", at);
    t.regex((contents as { value: string }).value, shown);
  });
}

test("a script is not the language's", async (t) => {
  const { at } = await open(`${docker}%post\nec|ho docker\n`);
  t.is(await server.request("textDocument/hover", at), null);
});

/** What stands at the place that the definition of the word at the cursor is. */
async function target(text: string): Promise<[number, string] | null> {
  const { at, document } = await open(text);
  const found = await server.request<Location | null>("textDocument/definition", at);
  return found && [found.range.start.line, document.getText(found.range)];
}

test("a stage is found from where it is copied from, a build argument from where it is used", async (t) => {
  const stages = `${docker}Stage: one\n${docker}Stage: one\n${docker}%files from o|ne # x\n/a /b\n`;
  t.deepEqual(await target(stages), [2, "one"]);
  const argument = "Bootstrap: docker\nFrom: é{{v|}}\n%arguments\n# v=0\nv=1\n \tv = 2\n";
  t.deepEqual(await target(argument), [5, "v"]);
  t.is(await target(`${docker}%files from n|one\n/a /b\n`), null);
});

async function renamed(text: string, newName: string): Promise<string> {
  const { uri, at, document } = await open(text);
  const { changes } = await server.request<WorkspaceEdit>("textDocument/rename", {
    ...at,
    newName,
  });
  return TextDocument.applyEdits(document, changes?.[uri] ?? []);
}

const threeStages = (name: string) =>
  `${docker}Stage: ${name}\r\n${docker}Stage: two\n%files from ${name}\n/a /b\n${docker}%Files FROM ${name} # one\n/c /d\n%post\necho one\n`;

test("a stage is renamed wherever it is named, from any of the places", async (t) => {
  for (const place of [`Stage: o|ne`, `%files from |one`, `FROM one|`]) {
    const marked = threeStages("one").replace(place.replace("|", ""), place);
    t.is(await renamed(marked, "bäse"), threeStages("bäse"));
  }
});

test("a stage whose name was taken before is renamed alone", async (t) => {
  const text = `${docker}Stage: one\n${docker}Stage: o|ne\n${docker}%files from one\n/a /b\n`;
  const after = `${docker}Stage: one\n${docker}Stage: two\n${docker}%files from one\n/a /b\n`;
  t.is(await renamed(text, "two"), after);
});

test("a name that can't be, or is taken, is refused with a reason", async (t) => {
  const text = `${docker}Stage: o|ne\n${docker}Stage: two\n`;
  await t.throwsAsync(renamed(text, "two"), { message: "there is a stage two already" });
  await t.throwsAsync(renamed(text, "a b"), { message: /is one word/ });
  const { at } = await open("Bootstrap: docker\nFr|om: a:1\n");
  t.is(await server.request("textDocument/prepareRename", at), null);
});

test("a name is offered for renaming as it stands", async (t) => {
  const { at, document } = await open(`${docker}Stage:  o|ne \n`);
  const range = await server.request<Range>("textDocument/prepareRename", at);
  t.is(document.getText(range), "one");
});

async function formatted(text: string): Promise<string> {
  const { uri, document } = await open(text);
  const edits = await server.request<TextEdit[]>("textDocument/formatting", {
    textDocument: { uri },
    options: { tabSize: 4, insertSpaces: true },
  });
  return TextDocument.applyEdits(document, edits);
}

test("a document is formatted as tsbuild format does it, and left alone while it can't be read", async (t) => {
  const after = "Bootstrap: docker\nFrom: a:1\n\n%labels\n    é 1\n";
  t.is(await formatted("bootstrap:docker\r\nFROM:a:1\r\n%Labels\r\né 1"), after);
  t.is(await formatted("bootstrap:docker\n%foo\n"), "bootstrap:docker\n%foo\n");
});

test("fixes are offered where they are needed, and all of them together", async (t) => {
  const text = "Bootstrap: docker\r\nFo|rm: a:1\r\n%post\r\nprintf 𝄞 && apt-get install x\r\n";
  const { uri, at, document } = await open(text);
  const ask = async (context: object) =>
    server.request<CodeAction[]>("textDocument/codeAction", {
      textDocument: { uri },
      range: { start: at.position, end: at.position },
      context: { diagnostics: [], ...context },
    });
  const actions = await ask({});
  t.deepEqual(
    actions.map(({ kind, title }) => [kind, title]),
    [
      ["quickfix", "Write From"],
      ["source.fixAll", "Mend all that can be mended with certainty"],
    ],
  );
  t.is(actions[0]?.diagnostics?.[0]?.code, "definition/unknown-keyword");
  const fixed = document.getText().replace("Form", "From");
  t.is(TextDocument.applyEdits(document, actions[0]?.edit?.changes?.[uri] ?? []), fixed);
  t.is((await ask({ only: ["source"] })).length, 1);
  const second = await open(fixed);
  const [all] = await server.request<CodeAction[]>("textDocument/codeAction", {
    textDocument: { uri: second.uri },
    range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
    context: { diagnostics: [] },
  });
  t.is(
    TextDocument.applyEdits(second.document, all?.edit?.changes?.[second.uri] ?? []),
    fixed.replace("apt-get install", "apt-get -y install"),
  );
});

test("a line that is taken for a heading can be marked as text", async (t) => {
  for (const line of ["%description", "%files", "Bootstrap: docker", "  %post"]) {
    const text = `${docker}%post\ncat >x <<EOF\n${line}\nEOF\n`;
    const { uri, document } = await open(text);
    const start = document.positionAt(text.indexOf(`\n${line}\nEOF`) + 1);
    const actions = await server.request<CodeAction[]>("textDocument/codeAction", {
      textDocument: { uri },
      range: {
        start: { ...start, character: line.length },
        end: { ...start, character: line.length },
      },
      context: { diagnostics: [], only: ["quickfix"] },
    });
    const mark = actions.find(({ title }) => title.startsWith("Mark the line as text"));
    const marked = TextDocument.applyEdits(document, mark?.edit?.changes?.[uri] ?? []);
    t.is(marked, text.replace(`${line}\nEOF`, `${line.replace(/\S/, "%\\$&")}\nEOF`));
    const read = readDefinition(marked, { file: "x.def" });
    t.is(read.definition?.stages[0]?.sections[0]?.body, `cat >x <<EOF\n${line}\nEOF\n`);
  }
  const { uri, at } = await open(`${docker}%po|sst\ntrue\n`);
  const actions = await server.request<CodeAction[]>("textDocument/codeAction", {
    textDocument: { uri },
    range: { start: at.position, end: at.position },
    context: { diagnostics: [] },
  });
  t.false(actions.some(({ title }) => title.startsWith("Mark the line as text")));
});

test("carriage returns, which are ends of lines to the protocol, are taken away where they are", async (t) => {
  const { uri, document } = await open(`${docker}%post\r\nfalse\r\r\ntrue\r\r\n`);
  const [action] = await server.request<CodeAction[]>("textDocument/codeAction", {
    textDocument: { uri },
    range: { start: { line: 0, character: 0 }, end: document.positionAt(1e6) },
    context: { diagnostics: [], only: ["quickfix"] },
  });
  t.is(
    TextDocument.applyEdits(document, action?.edit?.changes?.[uri] ?? []),
    `${docker}%post\r\nfalse\r\ntrue\r\n`,
  );
});

test("the outline has stages and their sections, in a broken text too", async (t) => {
  const text = `# x\n${docker}Stage: one\n%post\ntrue\n${docker}oops\n%files from one\n/a /b\n%apprun foo\ntrue\n`;
  const { uri, document } = await open(text);
  const symbols = await server.request<DocumentSymbol[]>("textDocument/documentSymbol", {
    textDocument: { uri },
  });
  t.deepEqual(
    symbols.map(({ name, detail, children }) => [name, detail, children?.map((one) => one.name)]),
    [
      ["one", "docker debian:12", ["%post"]],
      ["stage 2", "docker debian:12", ["%files from one", "%apprun foo"]],
    ],
  );
  t.is(document.getText(symbols[0]?.children?.[0]?.range), "%post\ntrue\n");
  t.is(document.getText(symbols[1]?.children?.[0]?.selectionRange), "%files from one");
});

test("a document that is not open has no answers", async (t) => {
  const at = { textDocument: { uri: "file:///other" }, position: { line: 0, character: 0 } };
  t.is(await server.request("textDocument/hover", at), null);
  t.is(await server.request("textDocument/rename", { ...at, newName: "x" }), null);
});
