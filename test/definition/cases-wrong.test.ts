import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { printDiagnostic } from "../../src/definition/print-diagnostic.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";

// What is said about each definition is kept beside it, as it is printed. UPDATE=1 writes it anew; read the difference.
const folder = join(import.meta.dirname, "cases-wrong");

for (const name of readdirSync(folder).toSorted()) {
  test(name, (t) => {
    const text = readFileSync(join(folder, name, "in.def"), "utf8");
    const { diagnostics } = readDefinition(text, {
      file: "in.def",
      agents: ["docker", "debootstrap", "localimage", "scratch"],
    });
    const printed = diagnostics.map((one) => `${printDiagnostic(one, text)}\n`).join("\n");
    const kept = join(folder, name, "errors.txt");
    if (process.env["UPDATE"] !== undefined) writeFileSync(kept, printed);
    t.true(existsSync(kept), "UPDATE=1 writes what is missing");
    t.is(printed, readFileSync(kept, "utf8"));
    t.not(printed, "");
  });
}
