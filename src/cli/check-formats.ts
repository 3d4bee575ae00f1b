import { printDiagnostic } from "../definition/print-diagnostic.ts";
import type { Diagnostic } from "../model/diagnostic.ts";

/** A file with what was found in it. */
export interface CheckedFile {
  readonly file: string;
  readonly source: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What was mended before; only with `--fix`. */
  readonly fixed?: readonly Diagnostic[];
}

/** The forms in which `tsbuild check` prints, for people and for programs. */
export const checkFormats = {
  /** For people: each with its lines, and a count. */
  text(files: readonly CheckedFile[]): string {
    const shown = files.flatMap(({ file, source, diagnostics }) =>
      diagnostics.map(
        (diagnostic) =>
          `${printDiagnostic(diagnostic, diagnostic.location.file === file ? source : undefined)}\n\n`,
      ),
    );
    return (
      files.flatMap(({ fixed = [] }) => fixed.map(fixedLine)).join("") +
      shown.join("") +
      summary(files)
    );
  },

  /** `[{"file": …, "diagnostics": […]}]` on one line; members may be added, none will go. */
  json(files: readonly CheckedFile[]): string {
    const shown = files.map(({ file, diagnostics, fixed }) => ({ file, diagnostics, fixed }));
    return `${JSON.stringify(shown)}\n`;
  },

  /** Workflow commands that GitHub Actions shows at the lines of a change. */
  github(files: readonly CheckedFile[]): string {
    return files.flatMap(({ diagnostics }) => diagnostics.map(annotation)).join("");
  },
} satisfies Record<string, (files: readonly CheckedFile[]) => string>;

function summary(files: readonly CheckedFile[]): string {
  const all = files.flatMap(({ diagnostics }) => diagnostics);
  const errors = all.filter(({ severity }) => severity === "error").length;
  const warnings = all.length - errors;
  const fixed = files.flatMap((file) => file.fixed ?? []).length;
  const found = `${counted(errors, "error")}, ${counted(warnings, "warning")}`;
  const isFix = files.some((file) => file.fixed !== undefined);
  return `${counted(files.length, "file")}: ${isFix ? `${fixed} fixed, ` : ""}${found}\n`;
}

function fixedLine({ location, code, fix }: Diagnostic): string {
  return `${location.file}:${location.line}:${location.column}: fixed: ${fix?.title} (${code})\n`;
}

const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

// GitHub decodes these, and takes the rest of the line as it is.
const text = (value: string) =>
  value.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (value: string) => text(value).replaceAll(":", "%3A").replaceAll(",", "%2C");

function annotation({ severity, code, message, location, hint }: Diagnostic): string {
  const { file, line, column, length } = location;
  const place = `file=${property(file)},line=${line},col=${column},endColumn=${column + length}`;
  const body = hint === undefined ? message : `${message}\n${hint}`;
  return `::${severity} ${place},title=${property(code)}::${text(body)}\n`;
}
