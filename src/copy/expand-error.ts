/** A word that can't be expanded, and why. It becomes `files/expand` where its line is known. */
export class ExpandError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "ExpandError";
    this.hint = hint;
  }
}
