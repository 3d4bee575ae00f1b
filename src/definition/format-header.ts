import { spellingOf } from "./header-keywords.ts";
import { foldCase } from "./heading.ts";
import type { FieldSyntax } from "./read-stage.ts";
import { lineEnd } from "./tokens.ts";
import { trim } from "./white-space.ts";

/**
 * The lines of a header in one style: `Key: value # comment`, lines that continue a value indented by four, comments at
 * the margin, and no two blank lines after each other.
 * @param header the text before the first section
 */
export function formatHeader(header: string, fields: readonly FieldSyntax[]): string[] {
  const starts = new Map(fields.map((field) => [field.keySpan.start, field]));
  const lines: string[] = [];
  let sawField = false;
  for (let start = 0; start < header.length; start = lineEnd(header, start) + 1) {
    const raw = header.slice(start, lineEnd(header, start));
    const text = trim(raw);
    const field = starts.get(start + raw.indexOf(text));
    if (text === "") {
      if (lines.length > 0 && lines.at(-1) !== "") lines.push("");
    } else if (field !== undefined) {
      const line = formatField(field, text);
      // A second Bootstrap at the margin would begin a stage.
      lines.push(sawField && foldCase(field.key) === "bootstrap" ? ` ${line}` : line);
      sawField = true;
    } else lines.push(text.startsWith("#") ? text : `    ${text}`);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

function formatField({ key }: FieldSyntax, line: string): string {
  const rest = line.slice(line.indexOf(":") + 1);
  const hash = rest.indexOf("#");
  const value = trim(hash === -1 ? rest : rest.slice(0, hash));
  const comment = hash === -1 ? "" : rest.slice(hash);
  return [`${spellingOf(key)}:`, value, comment].filter((part) => part !== "").join(" ");
}
