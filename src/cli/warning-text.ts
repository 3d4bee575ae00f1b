import type { BuildEvent } from "../model/event.ts";

/** A warning with its place before it and what to do after it. */
export function warningText(warning: Extract<BuildEvent, { type: "warning" }>): string {
  const { message, location, hint } = warning;
  const place =
    location === undefined ? "" : `${location.file}:${location.line}:${location.column}: `;
  return `${place}${message}${hint === undefined ? "" : `\nhint: ${hint}`}`;
}
