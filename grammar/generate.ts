// Writes the grammar's files from the parser: `npx -c 'node grammar/generate.ts'`.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ebnf } from "./ebnf.ts";
import { lookaheadTable } from "./lookahead.ts";
import { planSchema } from "./plan-schema.ts";
import { reference } from "./reference.ts";
import { textMate } from "./text-mate.ts";

/** File name → text. */
export function grammarFiles(): Readonly<Record<string, string>> {
  return {
    "definition.ebnf": ebnf(),
    "definition.md": reference(),
    "definition.tmLanguage.json": `${JSON.stringify(textMate(), undefined, 2)}\n`,
    "plan.schema.json": `${JSON.stringify(planSchema(), undefined, 2)}\n`,
    "../src/definition/lookahead-table.ts": lookaheadTable(),
  };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(grammarFiles())) {
    writeFileSync(join(import.meta.dirname, name), text);
  }
}
