import type { BuildEvent } from "../model/event.ts";
import type { Verbosity } from "./message-level.ts";

/** A warning with its place before it and what to do after it; for who wants to know more, where to read it too. */
export function warningText(
  warning: Extract<BuildEvent, { type: "warning" }>,
  verbosity: Verbosity,
): string {
  const { code, message, location, hint } = warning;
  const place =
    location === undefined ? "" : `${location.file}:${location.line}:${location.column}: `;
  const lines = [place + message];
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  if (verbosity === "verbose") lines.push(`code: ${code} (docs/errors/${code}.md)`);
  return lines.join("\n");
}
