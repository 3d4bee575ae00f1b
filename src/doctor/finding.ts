/** Something about this machine that gets in the way of a build, or takes something from it. */
export interface Finding {
  /** The code of the error or warning by which a build tells the same. */
  readonly code: string;
  /** `error`: builds with scripts, or all, fail by it. `warning`: something can't be had. */
  readonly severity: "error" | "warning";
  readonly message: string;
  /** What to do next, in one sentence. */
  readonly hint: string | undefined;
  /** What an administrator would type. */
  readonly command?: string | undefined;
}
