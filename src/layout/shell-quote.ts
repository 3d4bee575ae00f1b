/**
 * A word that a shell reads back exactly: as it is where nothing in it means anything to a shell, else in single quotes.
 */
export function shellWord(text: string): string {
  return /^[\w%+,./:@-]+$/.test(text) ? text : singleQuoted(text);
}

/** The text in single quotes, whatever is in it. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** The text in double quotes, with what a shell would expand there made literal. */
export function doubleQuoted(text: string): string {
  return `"${text.replaceAll(/[\\"$`]/g, "\\$&")}"`;
}
