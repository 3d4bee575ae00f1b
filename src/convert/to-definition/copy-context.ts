import type { Instruction } from "../dockerfile/dockerfile.ts";
import type { Losses } from "../losses.ts";
import type { StageDraft } from "./stage-draft.ts";
import type { Variables } from "./variables.ts";

export type Copy = Instruction & { readonly kind: "copy" | "add" };

/** What a COPY needs to know of the stage that it stands in. */
export interface CopyContext {
  readonly draft: StageDraft;
  readonly variables: Variables;
  readonly losses: Losses;
  /** The stage copied from, undefined for the build context. */
  readonly origin: string | undefined;
  /** The stage copied from keeps its temporary folders. */
  readonly isKept: boolean;
  /** The working directory; undefined when its name is not known before the build. */
  readonly folder: string | undefined;
  /** Folders that WORKDIR has made so far. */
  readonly madeFolders: ReadonlySet<string>;
  /** The base is empty, so nothing is there but what was copied. */
  readonly isFromScratch: boolean;
  /** A RUN came before. */
  readonly isAfterRun: boolean;
  /** There is a RUN in the stage, and so a shell to place files with. */
  readonly hasShell: boolean;
  /** The text of the `.dockerignore`; undefined when not known. */
  readonly ignored: string | undefined;
  readonly kindOf: (path: string) => "file" | "folder" | undefined;
}
