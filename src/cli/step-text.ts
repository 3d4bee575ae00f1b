import type { BuildEvent } from "../model/event.ts";
import { formatElapsed, formatSize } from "./quantity.ts";

/** What a finished step took: `took 2.3s, 4.1s of processors, 130 MiB of memory, 21 MiB written`. */
export function stepText({ elapsedMs, usage }: Extract<BuildEvent, { type: "step-end" }>): string {
  const parts = [`took ${formatElapsed(elapsedMs)}`];
  if (usage !== undefined) {
    const { cpuMs, peakMemoryBytes, groupPeakBytes, writtenBytes } = usage;
    parts.push(`${formatElapsed(cpuMs)} of processors`);
    if (groupPeakBytes !== undefined)
      parts.push(`${formatSize(groupPeakBytes)} of memory together`);
    else if (peakMemoryBytes !== undefined) parts.push(`${formatSize(peakMemoryBytes)} of memory`);
    parts.push(`${formatSize(writtenBytes)} written`);
  }
  return parts.join(", ");
}
