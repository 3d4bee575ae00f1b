import test from "ava";
import { jsonListener } from "../../src/cli/ui-json.ts";
import type { BuildEvent } from "../../src/model/event.ts";

test("each event is one line that JSON reads back", (t) => {
  const events: BuildEvent[] = [
    { type: "build-start", target: "a\nb", spec: "\u2028", steps: 2 },
    { type: "step-start", step: 1, title: "x" },
    { type: "step-output", step: 1, stream: "stdout", line: 'a "b"\u001b[0m' },
    { type: "progress", task: "t", done: 1, unit: "entries" },
    { type: "note", message: "n" },
    { type: "warning", code: "a/b", message: "w", hint: "h" },
    { type: "step-end", step: 1, elapsedMs: 2 },
    { type: "build-end", target: "a", sizeBytes: 3, elapsedMs: 4 },
  ];
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
