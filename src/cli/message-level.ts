import { visibleText } from "./plain-text.ts";

/** How much a user wants to know: `silent` errors only, `quiet` warnings too. */
export type Verbosity = "silent" | "quiet" | "normal" | "verbose";

/** The verbosity that the options ask for; the more silent one wins, as in Apptainer. */
export function verbosityOf(flags: {
  readonly silent?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly debug?: boolean | undefined;
}): Verbosity {
  if (flags.silent === true) return "silent";
  if (flags.quiet === true) return "quiet";
  return flags.verbose === true || flags.debug === true ? "verbose" : "normal";
}

/** A line in the form that Apptainer's users and their scripts know: the level in eight columns, then the text. */
export function levelLine(level: "WARNING" | "INFO" | "VERBOSE", text: string): string {
  const lines = visibleText(text).split("\n");
  return `${`${level}:`.padEnd(8)} ${lines.join(`\n${" ".repeat(9)}`)}`;
}
