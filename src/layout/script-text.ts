import type { TextWithArgument } from "../model/plan.ts";

/**
 * The file that `%runscript`, `%startscript` or `%test` becomes: first line, empty line, body, empty line.
 *
 * A body that starts with `#!` brings its own first line. Apptainer looks for `#!` after leading white space but then
 * takes the first line of the body as it stands, so an empty line above `#!` leaves the script without an interpreter
 * line; a definition that works there has to give the same file here. What the heading holds up to a `#` comes after
 * the interpreter, behind one blank.
 */
export function scriptText({ body, argument }: TextWithArgument): string {
  const options = argument.split("#", 1)[0] ?? "";
  const hasOwn = /^[\t-\r ]*#!/.test(body);
  const end = body.indexOf("\n");
  const firstLine = hasOwn
    ? body.slice(0, end === -1 ? undefined : end).replaceAll(/^[\t-\r ]+|[\t-\r ]+$/g, "")
    : "#!/bin/sh";
  const rest = hasOwn ? body.slice(end === -1 ? body.length : end + 1) : body;
  return `${firstLine}${options === "" ? "" : ` ${options}`}\n\n${rest}\n`;
}
