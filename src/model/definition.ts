// What a definition file says, with the place of every part and no meaning yet.

import type { Diagnostic } from "./diagnostic.ts";
import type { Location } from "./location.ts";

/** How the bytes of the file became text. Everything is written back the same way, byte for byte. */
export type TextEncoding = "utf8" | "latin1";

export interface Definition {
  /** The file as the user named it. */
  readonly file: string;
  readonly encoding: TextEncoding;
  /** The text as it was read. */
  readonly source: string;
  /** The text with build arguments filled in: what the image keeps as its definition. */
  readonly stored: string;
  /** In file order, at least one. */
  readonly stages: readonly Stage[];
}

export interface Stage {
  /** Counts from 0. */
  readonly index: number;
  /** The `Stage:` header, if there is one. */
  readonly name: string | undefined;
  /** One field for each key, in order of first appearance; the last value of a repeated key. */
  readonly header: readonly HeaderField[];
  /**
   * In order of first appearance. Repeated sections are already joined; `files` has one section for each distinct
   * argument text, and app sections one for each app and kind. A plain section with an empty body is absent; an app section
   * is there all the same, because it makes the app.
   */
  readonly sections: readonly Section[];
  /** Where the stage starts. */
  readonly location: Location;
}

export interface HeaderField {
  /** In lower case. */
  readonly key: string;
  /** Trimmed; continuation lines joined. */
  readonly value: string;
  readonly location: Location;
  readonly valueLocation: Location;
}

export type SectionName =
  | "help"
  | "setup"
  | "files"
  | "labels"
  | "environment"
  | "pre"
  | "post"
  | "runscript"
  | "test"
  | "startscript"
  | "arguments";

export type AppSectionName =
  | "appinstall"
  | "applabels"
  | "appfiles"
  | "appenv"
  | "apptest"
  | "apphelp"
  | "apprun"
  | "appstart";

export interface Section {
  readonly name: SectionName | AppSectionName;
  /** The app that an `%app…` section belongs to. */
  readonly app: string | undefined;
  /** All of the heading after its first blank, verbatim. */
  readonly argument: string;
  /** The lines after the heading, each ended by a line feed; nothing is trimmed but a CR before a line feed. */
  readonly body: string;
  /** The heading. */
  readonly location: Location;
  /** For each line of the body, the line of the file that it came from (counting from 1). */
  readonly lines: readonly number[];
  /** How the texts are written back, as in the definition. */
  readonly encoding: TextEncoding;
  /** Where in the file that stands which is between two offsets of the body, as far as it is on the line of the first. */
  placeOf(start: number, end: number): Location;
}

/** What reading a definition gives: with any error among the diagnostics there is no definition. */
export interface ReadDefinition {
  readonly definition: Definition | undefined;
  readonly diagnostics: readonly Diagnostic[];
}
