/** Where a stage's text lies in the file's. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
}

// The `u` flag folds case as Go's regular expressions do. The `m` flag is not used, because JavaScript's `^` also matches
// after CR and the Unicode line separators.
const stageStart = /(?<=^|\n)bootstrap:/giu;

/**
 * Cuts a definition where Apptainer does: before every line that starts with `bootstrap:`, in any case and with nothing
 * before it, wherever that line is — in a heredoc too. What stands before the first is a piece of its own.
 */
export function splitStages(text: string, start = 0): Chunk[] {
  const cuts = [...text.slice(start).matchAll(stageStart)].map((match) => start + match.index);
  const starts = cuts[0] === start ? cuts : [start, ...cuts];
  return starts.map((from, index) => ({ start: from, end: starts[index + 1] ?? text.length }));
}
