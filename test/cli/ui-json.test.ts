import { readFileSync } from "node:fs";
import test from "ava";
import { printError } from "../../src/cli/print-error.ts";
import { jsonListener } from "../../src/cli/ui-json.ts";
import { ScriptError } from "../../src/model/error.ts";
import type { BuildEvent } from "../../src/model/event.ts";

const location = { file: "app.def", line: 1, column: 2, length: 3 };

/** One of each kind, with every member that it can have. */
const all: { readonly [T in BuildEvent["type"]]: Extract<BuildEvent, { type: T }> } = {
  "build-start": { type: "build-start", target: "a\nb", spec: "\u2028", steps: 2 },
  isolation: { type: "isolation", way: "single", summary: "s", losses: ["l"] },
  "step-start": { type: "step-start", step: 1, title: "x" },
  command: { type: "command", step: 1, command: "sh -ex f" },
  "step-output": { type: "step-output", step: 1, stream: "stdout", line: 'a "b"\u001b[0m' },
  progress: { type: "progress", task: "t", done: 1, total: 2, unit: "entries" },
  note: { type: "note", message: "n" },
  warning: { type: "warning", code: "a/b", message: "w", location, hint: "h" },
  "step-end": { type: "step-end", step: 1, elapsedMs: 2 },
  "build-end": { type: "build-end", target: "a", sizeBytes: 3, elapsedMs: 4 },
};
const events = Object.values(all);

test("each event is one line that JSON reads back", (t) => {
  let text = "";
  const output = { write: (more: string | Uint8Array) => (text += Buffer.from(more).toString()) };
  const listener = jsonListener(output, () => new Date(0));
  for (const event of events) listener(event);
  const lines = text.split("\n");
  t.is(lines.pop(), "");
  t.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    events.map((event) => ({ time: "1970-01-01T00:00:00.000Z", ...event })),
  );
});

test("the document has every kind of object and every member", (t) => {
  const rows = new Map(
    readFileSync("docs/progress-json.md", "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, type, members] = /^\| `([a-z-]+)` \| (.*) \|$/.exec(line) ?? [];
        return type === undefined || members === undefined || type === "type"
          ? []
          : [[type, members] as const];
      }),
  );
  let text = "";
  const output = { write: (more: string | Uint8Array) => (text += Buffer.from(more).toString()) };
  const error = new ScriptError("script/x", "m", { hint: "h", location, details: ["d"] });
  printError(error, output, { verbose: false, json: true });
  const objects: readonly object[] = [...events, JSON.parse(text) as object];
  t.deepEqual(
    [...rows.keys()].toSorted(),
    objects.map((object) => String("type" in object && object.type)).toSorted(),
  );
  for (const object of objects) {
    const { type, time, ...members } = object as Record<string, unknown>;
    void time;
    for (const member of Object.keys(members)) {
      t.true(rows.get(String(type))?.includes(`\`${member}\``), `${String(type)}: ${member}`);
    }
  }
});
