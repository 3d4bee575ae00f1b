import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { checkDefinition } from "../../src/definition/check-definition.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import type { Definition } from "../../src/model/definition.ts";

// Definitions as people write them, and beside each what is read from it and what the rules say about it. UPDATE=1
// writes that anew; read the difference.
const folder = join(import.meta.dirname, "cases-right");

/** What matters of a definition, with lines that can be compared by eye. */
function outline({ stages }: Definition): unknown {
  return stages.map(({ name, header, sections }) => ({
    name,
    header: Object.fromEntries(header.map(({ key, value }) => [key, value])),
    sections: sections.map((section) => ({
      name: section.app === undefined ? section.name : `${section.name} of ${section.app}`,
      argument: section.argument,
      lines: section.body
        .split("\n")
        .slice(0, -1)
        .map((line, index) => `${section.lines[index]}: ${line}`),
    })),
  }));
}

for (const name of readdirSync(folder).toSorted()) {
  test(name, (t) => {
    const read = readDefinition(readFileSync(join(folder, name, "in.def")), { file: "in.def" });
    if (read.definition === undefined) throw new Error(JSON.stringify(read.diagnostics));
    const result = {
      stages: outline(read.definition),
      advice: checkDefinition(read).map(
        ({ code, location }) => `${location.line}:${location.column} ${code}`,
      ),
    };
    const kept = join(folder, name, "definition.json");
    if (process.env["UPDATE"] !== undefined) {
      writeFileSync(kept, `${JSON.stringify(result, undefined, 2)}\n`);
    }
    t.true(existsSync(kept), "UPDATE=1 writes what is missing");
    t.deepEqual(
      JSON.parse(JSON.stringify(result)) as unknown,
      JSON.parse(readFileSync(kept, "utf8")),
    );
  });
}
