/** A place in a text that a person wrote. Lines and columns count from 1; columns count Unicode characters. */
export interface Location {
  /** The file as the user named it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Characters from the start of the place to its end, on this line; 0 when only the point is known. */
  readonly length: number;
}
