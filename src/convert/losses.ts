import type { Diagnostic } from "../model/diagnostic.ts";
import type { Location } from "../model/location.ts";

/** Collects what a conversion can't bring over. */
export class Losses {
  readonly diagnostics: Diagnostic[] = [];
  private readonly toldOnce = new Set<string>();

  /** Something is not in the result. */
  lost(location: Location, message: string, hint: string): void {
    this.diagnostics.push({ severity: "warning", code: "convert/lost", message, location, hint });
  }

  /** Something is in the result but does not do quite the same. */
  differs(location: Location, message: string, hint: string): void {
    this.diagnostics.push({
      severity: "warning",
      code: "convert/differs",
      message,
      location,
      hint,
    });
  }

  /** The same for what is true in many places and told at the first. */
  differsOnce(topic: string, location: Location, message: string, hint: string): void {
    if (this.toldOnce.has(topic)) return;
    this.toldOnce.add(topic);
    this.differs(location, message, hint);
  }

  /** In the order of the file. */
  sorted(): Diagnostic[] {
    return this.diagnostics.toSorted(
      (a, b) => a.location.line - b.location.line || a.location.column - b.location.column,
    );
  }
}
