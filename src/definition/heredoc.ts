// Where a shell text is inside a heredoc. Rough on purpose: it only decides which hint is given, never what a file means.

// `<<` with a delimiter, which is no `<<<`, no shift of numbers, and does not stand behind a `#` that starts a comment.
const opening = /(?<!<)<<(-?)[ \t]*(?:'([^'\n]+)'|"([^"\n]+)"|\\?([A-Za-z_][A-Za-z0-9_]*))/;

/** The delimiter that a heredoc of the text still waits for at its end, or undefined. */
export function openHeredoc(text: string): string | undefined {
  if (!text.includes("<<")) return undefined;
  let delimiter: string | undefined;
  let stripsTabs = false;
  for (const raw of text.split("\n")) {
    const line = raw.replace(/\r$/, "");
    if (delimiter !== undefined) {
      if ((stripsTabs ? line.replace(/^\t+/, "") : line) === delimiter) delimiter = undefined;
      continue;
    }
    const match = opening.exec(line);
    if (match === null || /(?:^|\s)#/.test(line.slice(0, match.index))) continue;
    stripsTabs = match[1] === "-";
    delimiter = match[2] ?? match[3] ?? match[4];
  }
  return delimiter;
}
