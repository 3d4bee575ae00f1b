// What scripts may know and nobody else: no image, log, plan or list of processes. A secret travels from our memory through
// a pipe into a file of a tmpfs that exists while a script runs.

/** A file /run/secrets/NAME for `%post` and `%test`. */
export interface Secret {
  readonly name: string;
  readonly value: Uint8Array;
}

/** Takes out of a text what nobody may see. */
export type Mask = (text: string) => string;

export const secretsFolder = "/run/secrets";

/** Shorter ones are in every text by chance. */
const shortestMasked = 4;

/** What secrets look like where they are wanted on a pipe: a line of base64 for each. */
export function secretLines(secrets: readonly Secret[]): Buffer {
  const lines = secrets.map(({ value }) => `${Buffer.from(value).toString("base64")}\n`);
  return Buffer.from(lines.join(""));
}

/**
 * A mask for secrets and other values: each line of a value of four characters or more gives way to `***`, the longest
 * first.
 */
export function maskOf(values: readonly (Uint8Array | string)[]): Mask {
  const words = values
    .flatMap((value) =>
      (typeof value === "string" ? value : Buffer.from(value).toString("utf8")).split(/\r?\n/),
    )
    .map((line) => line.trim())
    .filter((line) => line.length >= shortestMasked);
  const longestFirst = [...new Set(words)].toSorted((a, b) => b.length - a.length);
  if (longestFirst.length === 0) return (text) => text;
  return (text) => longestFirst.reduce((masked, word) => masked.replaceAll(word, "***"), text);
}
