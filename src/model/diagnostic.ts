import type { Location } from "./location.ts";

export type Severity = "error" | "warning";

/** A stretch of a text and what to write in its place; with an empty stretch, what to put in. */
export interface Edit {
  /**
   * Offsets, in UTF-16 code units, into the text as it was read: `Definition.source`, which for a file that is no valid
   * UTF-8 has one character for each byte.
   */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** How to mend a mistake without changing anything else that the file says. Its edits belong together. */
export interface Fix {
  /** What it does, in the imperative, on one line. */
  readonly title: string;
  /** In the order of the text, apart from each other, at least one. */
  readonly edits: readonly Edit[];
}

/** One mistake, or one thing worth knowing, in a file that a person wrote. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable identifier `family/reason`; its page is `docs/errors/<code>.md`. */
  readonly code: string;
  readonly message: string;
  readonly location: Location;
  readonly hint?: string;
  /** Only where it is certain what is meant. */
  readonly fix?: Fix;
}
