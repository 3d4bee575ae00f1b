/** A command that can be pasted into a shell: each word quoted where that is needed. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word) => shellWord(word)).join(" ");
}

/** One word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
