import type { Location } from "./location.ts";

export type Severity = "error" | "warning";

/** One mistake, or one thing worth knowing, in a file that a person wrote. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable identifier `family/reason`; its page is `docs/errors/<code>.md`. */
  readonly code: string;
  readonly message: string;
  readonly location: Location;
  readonly hint?: string;
}
