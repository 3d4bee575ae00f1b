import { doubleQuoted } from "./shell-quote.ts";

/**
 * The script that exports the environment of an OCI image. PATH is the image's; other variables keep a value that they
 * have already. Entries whose name no shell can hold are left out, as in Apptainer.
 *
 * The quoting is that of Apptainer 1.5: 1.4 escapes twice, which spoils values with `"`, `\`, `$`, tabs or line feeds.
 */
export function ociEnvironment(entries: readonly string[]): string {
  return `#!/bin/sh\n${entries.map(exportLine).join("")}`;
}

function exportLine(entry: string): string {
  const equals = entry.indexOf("=");
  const name = equals === -1 ? entry : entry.slice(0, equals);
  if (!/^[A-Za-z_]\w*$/.test(name)) return "";
  if (equals === -1) return `export ${name}="\${${name}:-}"\n`;
  const value = doubleQuoted(entry.slice(equals + 1));
  if (name === "PATH") return `export PATH=${value}\n`;
  const assignment = `${name}="\${${name}:-${value}}"`;
  // bash, where it is /bin/sh, would take {a,b} apart in a word of export: it doesn't see the inner quotes there. (The
  // runtimes' own interpreter does.) In an assignment braces are safe.
  return /\{.*(?:,|\.\.).*\}/s.test(value)
    ? `${assignment}\nexport ${name}\n`
    : `export ${assignment}\n`;
}
