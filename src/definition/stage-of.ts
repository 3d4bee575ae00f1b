import type { Section } from "../model/definition.ts";
import { fields } from "./white-space.ts";

/** Where a `%files` section copies from. */
export type FilesOrigin =
  | { readonly kind: "host" }
  | { readonly kind: "stage"; readonly name: string }
  /** Apptainer leaves the section out without a word, and so do we, with a warning. */
  | { readonly kind: "ignored" };

/**
 * What the heading of a `%files` section asks for, as Apptainer 1.4.5 reads it: up to the first `#`, nothing is a copy
 * from the host and two words a copy from the stage that the second names, whatever the first is. Anything else, blanks
 * alone too, makes the section count for nothing.
 */
export function stageOf({
  argument,
  encoding,
}: Pick<Section, "argument" | "encoding">): FilesOrigin {
  const [text = ""] = argument.split("#", 1);
  if (text === "") return { kind: "host" };
  const [, name, ...rest] = fields(text, encoding);
  return name === undefined || rest.length > 0 ? { kind: "ignored" } : { kind: "stage", name };
}
