import type { Look } from "./live-region.ts";
import { formatSize } from "./quantity.ts";
import type { StyledLine } from "./styled-line.ts";
import { fitText, textWidth } from "./text-width.ts";

/** How far one piece of work is; `total` is missing where nobody knows it. */
export interface Progress {
  readonly task: string;
  readonly done: number;
  readonly total?: number | undefined;
  readonly unit: "bytes" | "entries";
}

const longestName = 32;
const longestBar = 30;
const shortestBar = 5;

/** `    layer 3a2f  ██████░░░░  12.3 MiB of 45.6 MiB`; on a narrow terminal the bar goes first. */
export function progressLine(progress: Progress, columns: number, look: Look): StyledLine {
  const { done, total, unit } = progress;
  const amount = (value: number) => (unit === "bytes" ? formatSize(value) : String(value));
  const numbers = total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`;
  const ellipsis = look.hasUnicode ? "…" : "...";
  const name = fitText(progress.task, longestName, ellipsis);
  const room = columns - 1 - 4 - textWidth(name) - 2 - textWidth(numbers) - 2;
  const width = Math.min(longestBar, room);
  if (total === undefined || total === 0 || width < shortestBar) {
    return [{ text: `    ${name}  ` }, { text: numbers, style: "dim" }];
  }
  // Sizes that a server announced need not hold.
  const filled = Math.round(Math.min(1, Math.max(0, done / total)) * width);
  const [full, empty] = look.hasUnicode ? ["█", "░"] : ["#", "-"];
  return [
    { text: `    ${name}  ` },
    { text: full.repeat(filled), style: "cyan" },
    { text: empty.repeat(width - filled), style: "dim" },
    { text: `  ${numbers}`, style: "dim" },
  ];
}
