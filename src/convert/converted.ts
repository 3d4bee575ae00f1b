import type { Diagnostic } from "../model/diagnostic.ts";

/** What a conversion gives. */
export interface Converted {
  readonly text: string;
  /** What the result does not do, or does in another way, each with its place in the source. */
  readonly losses: readonly Diagnostic[];
}

export interface ConvertOptions {
  /** The source as the user named it. */
  readonly file: string;
  /** The text of the `.dockerignore`, empty when there is none; undefined when that is not known. */
  readonly ignored?: string | undefined;
  /** What a path of the build's folder is; without it, whether a source is a folder is not known. */
  readonly kindOf?: ((path: string) => "file" | "folder" | undefined) | undefined;
}
