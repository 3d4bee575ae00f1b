// What a Dockerfile says, with the place of every part and no meaning yet.

import type { Location } from "../../model/location.ts";
import type { Word } from "./docker-word.ts";

/** A part of the text as it stands there. */
export interface Part {
  readonly text: string;
  readonly location: Location;
}

/** `--name=value` behind the instruction; the value is undefined when there is no `=`. */
export interface Flag {
  readonly name: string;
  readonly value: string | undefined;
  readonly location: Location;
}

export interface Heredoc {
  readonly delimiter: string;
  /** Whether variables in it mean something: the delimiter is not quoted. */
  readonly expands: boolean;
  /** Every line ended by a line feed; with `<<-` without leading tabs. */
  readonly text: string;
}

/** What RUN, CMD and ENTRYPOINT are given. */
export type Command =
  | { readonly form: "exec"; readonly words: readonly string[] }
  | {
      readonly form: "shell";
      /** The lines as the author cut them, without what joins them. */
      readonly lines: readonly string[];
      readonly heredocs: readonly Heredoc[];
      /** The command is nothing but `<<NAME`: what is run is the heredoc. */
      readonly isScript: boolean;
    };

export interface NamedWord {
  readonly name: Word;
  /** Undefined for an ARG without a default. */
  readonly value: Word | undefined;
  readonly location: Location;
}

export type CopyKind = "copy" | "add";

export type Instruction = { readonly location: Location } & (
  | {
      readonly kind: "from";
      readonly image: Word;
      readonly name: string | undefined;
      readonly platform: Flag | undefined;
    }
  | { readonly kind: "run"; readonly flags: readonly Flag[]; readonly command: Command }
  | { readonly kind: "cmd" | "entrypoint"; readonly command: Command }
  | { readonly kind: "shell"; readonly words: readonly string[] }
  | {
      readonly kind: CopyKind;
      readonly flags: readonly Flag[];
      readonly sources: readonly Word[];
      readonly destination: Word;
      /** For each source, the heredoc that it is, if it is one. */
      readonly heredocs: readonly (Heredoc | undefined)[];
    }
  | { readonly kind: "env" | "label" | "arg"; readonly pairs: readonly NamedWord[] }
  | { readonly kind: "workdir" | "user"; readonly value: Word }
  | {
      readonly kind: "expose" | "volume" | "healthcheck" | "stopsignal" | "onbuild" | "maintainer";
      readonly value: string;
    }
);

export interface Dockerfile {
  readonly file: string;
  /** The image of the program that should read the file, where the directive `syntax` names one. */
  readonly frontend: Part | undefined;
  readonly instructions: readonly Instruction[];
}
