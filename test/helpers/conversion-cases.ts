import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Converted, ConvertOptions } from "../../src/convert/converted.ts";

/** What a conversion loses, one on a line: place, code, message. */
export const lossLines = (losses: Converted["losses"]): string[] =>
  losses.map(
    ({ code, message, location: { line, column } }) => `${line}:${column} ${code} ${message}`,
  );

/**
 * Declares a test for each folder that has the source: what is made of it is the file beside it, and the losses those of
 * losses.txt. The files to copy are in `context`. With UPDATE_CASES set what is found is written instead.
 */
export function conversionCases(
  cases: string,
  source: string,
  result: string,
  convert: (text: string, options: ConvertOptions) => Converted,
  check: (t: ExecutionContext, text: string) => void,
): void {
  for (const name of readdirSync(cases)) {
    const folder = join(cases, name);
    if (!existsSync(join(folder, source))) continue;
    test(`${source} of ${name} gives the ${result} beside it, and these losses`, (t) => {
      const { text, losses } = convert(readFileSync(join(folder, source), "utf8"), {
        file: source,
        kindOf: (path) => {
          const found = statSync(join(folder, "context", path), { throwIfNoEntry: false });
          if (found === undefined) return undefined;
          return found.isDirectory() ? "folder" : "file";
        },
      });
      const told = lossLines(losses)
        .map((line) => `${line}\n`)
        .join("");
      if (process.env["UPDATE_CASES"] !== undefined) {
        writeFileSync(join(folder, result), text);
        writeFileSync(join(folder, "losses.txt"), told);
      }
      t.is(text, readFileSync(join(folder, result), "utf8"));
      t.is(told, readFileSync(join(folder, "losses.txt"), "utf8"));
      check(t, text);
    });
  }
}
