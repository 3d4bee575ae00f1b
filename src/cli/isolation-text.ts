import type { BuildEvent } from "../model/event.ts";

/** How scripts are run, as one line. What is lost is told as a warning. */
export function isolationText({
  way,
  summary,
}: Extract<BuildEvent, { type: "isolation" }>): string {
  return `Scripts run ${summary} (${way})`;
}
