import { displayName, type ByteString } from "../model/bytes-path.ts";
import { ScriptError } from "../model/error.ts";
import type { CopyLine } from "../model/plan.ts";
import { ExpandError } from "./expand-error.ts";

/** The reasons for which a copy fails; each has a page `docs/errors/files/`. */
export type CopyReason = "missing" | "expand" | "loop" | "unreadable" | "target" | "fifo";

/** A copy of a `%files` line that can't be done. */
export function copyError(
  reason: CopyReason,
  line: CopyLine,
  message: string,
  hint?: string,
  cause?: unknown,
): ScriptError {
  return new ScriptError(`files/${reason}`, message, { location: line.location, hint, cause });
}

/** The error for a word that can't be expanded; other errors pass. */
export function expandError(error: unknown, line: CopyLine): unknown {
  if (!(error instanceof ExpandError)) return error;
  return copyError(
    "expand",
    line,
    `can't tell which files ${line.source} means: ${error.message}`,
    error.hint,
  );
}

/** Paths in an image are shown with their slash. */
export const shown = (path: ByteString): string => `/${displayName(path)}`;
