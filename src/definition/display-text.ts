const longest = 80;

/** A text of the file for a message: on one line, with control characters visible, and cut when it is long. */
export function displayText(text: string): string {
  const characters = Array.from(text.slice(0, 2 * longest));
  const cut = characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : text;
  return cut.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]/gu, visible);
}

const names: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** The escape that stands for a character which can't be shown. */
function visible(character: string): string {
  const code = character.charCodeAt(0);
  // A byte of a file that is no valid UTF-8 (see text-encoding.ts).
  if (code >= 0xdc00 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  const short = code < 0x100;
  return (
    names[character] ?? `${short ? "\\x" : "\\u"}${code.toString(16).padStart(short ? 2 : 4, "0")}`
  );
}
