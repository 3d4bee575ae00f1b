import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import {
  checkDefinition,
  fixDefinition,
  formatDefinition,
  parseDefinition,
  printDiagnostic,
} from "../../src/definition/index.ts";

const root = join(import.meta.dirname, "../..");

/** What a source imports when it runs; types are gone by then. */
const importsOf = (file: string) =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /^(?:import|export)\b(?!\s+type\b)(?:[^"';]*\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
    ),
  ].map(([, fixed, late]) => fixed ?? late ?? "");

/** Every file and package that the file needs, and theirs. */
function everythingBelow(file: string, seen = new Set<string>()): Set<string> {
  for (const name of importsOf(file)) {
    const path = name.startsWith(".") ? join(dirname(file), name) : name;
    if (seen.has(path)) continue;
    seen.add(path);
    if (name.startsWith(".")) everythingBelow(path, seen);
  }
  return seen;
}

test("the language needs nothing of Node's, and Chevrotain alone", (t) => {
  const below = [...everythingBelow(join(root, "src/definition/index.ts"))];
  t.true(below.length > 40);
  t.deepEqual(
    below.filter((name) => !name.startsWith("/")),
    ["chevrotain"],
  );
  const folders = below.flatMap((name) => /\/src\/([a-z]+)\//.exec(name)?.[1] ?? []);
  t.deepEqual([...new Set(folders)].toSorted(), ["definition", "model"]);
});

test("a definition is read, checked, mended and formatted by the library, as the README says", (t) => {
  const text = "Bootstrap: docker\nFrom: debian:12\n%post\napt-get install curl\n";
  const read = parseDefinition(text, { file: "app.def" });
  t.like(read.definition?.stages[0]?.header[1], { key: "from", value: "debian:12" });
  t.like(read.definition?.stages[0]?.header[1]?.valueLocation, { line: 2, column: 7, length: 9 });
  const findings = checkDefinition(read);
  t.true(findings.some(({ code }) => code === "check/install-without-yes"));
  const printed = findings.map((finding) => printDiagnostic(finding, text)).join("\n");
  t.regex(printed, /^app\.def:\d+:\d+: warning: /);
  const { bytes } = fixDefinition(Buffer.from(text), { file: "app.def" });
  t.regex(Buffer.from(bytes).toString(), /apt-get -y install curl/);
  t.regex(formatDefinition(text), /^Bootstrap: docker\nFrom: debian:12\n\n%post\n/);
});
