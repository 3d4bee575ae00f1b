// Texts that come from images, registries and scripts go to a terminal, which obeys control characters.

// CSI and OSC sequences and the shorter escapes of ECMA-48.
// eslint-disable-next-line no-control-regex
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;

/** The text with every control character made visible as an escape, but for line feeds and tabs. */
export function visibleText(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => {
      const code = character.charCodeAt(0);
      return code < 0x100
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u${code.toString(16).padStart(4, "0")}`;
    },
  );
}

/**
 * What a line of a program's output looks like once it is complete: colours and cursor movements are gone, and of a
 * progress bar that overwrites itself only the last state is there.
 */
export function settledLine(line: string): string {
  const shown = line.replace(/\r+$/, "");
  return visibleText(shown.slice(shown.lastIndexOf("\r") + 1).replaceAll(escapes, "")).replaceAll(
    "\t",
    "    ",
  );
}
