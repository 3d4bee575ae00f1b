// What a build will do, as plain data: made without touching disk or network, JSON in and JSON out.

import type { TextEncoding } from "./definition.ts";
import type { Location } from "./location.ts";
import type { Platform } from "./platform.ts";

export interface BuildPlan {
  /** Which shape of plan this is; goes up when a reader would misunderstand. */
  readonly version: 1;
  /** The definition as the user named it. */
  readonly file: string;
  /** The definition with build arguments filled in, as the image keeps it. */
  readonly definition: string;
  readonly encoding: TextEncoding;
  readonly platform: Platform;
  readonly stages: readonly StagePlan[];
}

/** How the scripts of a plan are run on one machine: no part of the plan, which is the same everywhere. */
export interface ScriptsHere {
  /** The strongest way to be root that works, or the one that was named; undefined where none does. */
  readonly way: string | undefined;
  readonly summary: string | undefined;
  /** What can't be had that way, one sentence each. */
  readonly losses: readonly string[];
  /** The stronger ways, and why they don't work. */
  readonly passedOver: readonly {
    readonly way: string;
    readonly reason: string;
    readonly hint: string | undefined;
  }[];
  /** What a build would end with. */
  readonly refused:
    | { readonly code: string; readonly message: string; readonly hint: string | undefined }
    | undefined;
}

/** A plan with what one machine adds to it; undefined where no script runs, or nobody wants to know. */
export interface PlanHere extends BuildPlan {
  readonly here?: ScriptsHere | undefined;
}

export interface StagePlan {
  readonly index: number;
  readonly name: string | undefined;
  /** Keywords in lower case, in the order of the file. */
  readonly header: readonly (readonly [key: string, value: string])[];
  readonly location: Location;
  /** Whether the stage starts from the sandbox that is being updated, its `Bootstrap:` unused. */
  readonly updates: boolean;
  /** Whether a script has to run inside the root file system, which needs it unpacked on disk. */
  readonly needsSandbox: boolean;
  /** In the order in which they happen, which is Apptainer's, wherever the sections stand in the file. */
  readonly steps: readonly Step[];
}

/** A script of the definition, ready to be written to a file and run. */
export interface Script {
  readonly section: "pre" | "setup" | "post" | "test";
  readonly body: string;
  /** What stands between the shell and the script on its command line, or the words after `-c`. */
  readonly interpreter:
    | { readonly kind: "options"; readonly words: readonly string[] }
    | { readonly kind: "command"; readonly text: string };
  /** The heading. */
  readonly location: Location;
  /** For each line of the body, its line in the definition. */
  readonly lines: readonly number[];
}

export interface CopyLine {
  readonly source: string;
  /** As written; the same as the source where none is given. */
  readonly destination: string;
  readonly location: Location;
}

export interface App {
  readonly name: string;
  /** Section name without `app` → body. */
  readonly parts: Readonly<
    Partial<
      Record<"install" | "labels" | "files" | "env" | "test" | "help" | "run" | "start", string>
    >
  >;
  /** For each line of the `install` part, its line in the definition. */
  readonly installLines: readonly number[];
  readonly files: readonly CopyLine[];
  readonly location: Location;
}

export type Step =
  /** `%pre` and `%setup`, on the host. */
  | { readonly kind: "run-on-host"; readonly script: Script }
  /** Open the base and lay `/.singularity.d` over it. */
  | {
      readonly kind: "bootstrap";
      readonly agent: string;
      readonly header: Readonly<Record<string, string>>;
      readonly location: Location;
    }
  /** Take the sandbox that `--update` names as it is. */
  | { readonly kind: "take-sandbox"; readonly folder: string }
  /** The SCIF trees of the apps. */
  | { readonly kind: "add-apps"; readonly apps: readonly App[] }
  | {
      readonly kind: "copy-from-stage";
      readonly stage: string;
      readonly lines: readonly CopyLine[];
      readonly location: Location;
    }
  | {
      readonly kind: "copy-from-host";
      readonly lines: readonly CopyLine[];
      readonly location: Location;
    }
  /** `%post` and the apps' installation. */
  | { readonly kind: "run-in-container"; readonly script: Script }
  /** Help, labels, the definition itself, environment and scripts under `/.singularity.d`. */
  | {
      readonly kind: "write-metadata";
      readonly texts: MetadataTexts;
      /** Header keywords that become labels; empty for an update. */
      readonly header: readonly (readonly [key: string, value: string])[];
    }
  /** `%test`, with the root file system read-only. */
  | { readonly kind: "run-test"; readonly script: Script }
  /** The end of the last stage. */
  | { readonly kind: "pack"; readonly format: "sif" | "sandbox" };

/** The text sections of a stage: body and, where it matters, what stands in the heading. */
export interface MetadataTexts {
  readonly help: string | undefined;
  readonly labels: string | undefined;
  readonly environment: string | undefined;
  readonly runscript: TextWithArgument | undefined;
  readonly startscript: TextWithArgument | undefined;
  readonly test: TextWithArgument | undefined;
}

export interface TextWithArgument {
  readonly body: string;
  /** The heading after its first blank, verbatim. */
  readonly argument: string;
}
