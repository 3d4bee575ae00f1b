import { ratio, typical, type Result, type Run } from "./contest.ts";

export const print = (line = "") => process.stdout.write(`${line}\n`);

/** Says what a run took, while others are still to come. */
export const tellRun = (name: string, run: Run) =>
  process.stderr.write(
    `  ${name}: ${run.wallSeconds.toFixed(1)} s, ${run.cpuSeconds.toFixed(1)} processor s\n`,
  );

export const wall = (run: Run) => run.wallSeconds;
export const cpu = (run: Run) => run.cpuSeconds;
export const size = (run: Run) => run.sizeBytes;
export const peak = (run: Run) => run.peakBytes;
export const extra = (run: Run) => run.extraWrittenBytes;

const head = (text: string) => text.padStart(text.length === 1 ? 7 : 13);

/** A table. Where there is a peer, which is the first contestant, the others are compared with it. */
export function show(title: string, results: readonly Result[], hasPeer = true): void {
  const [peer] = hasPeer ? results : [];
  const compared = (texts: readonly string[]) =>
    texts.filter((text) => hasPeer || text.length > 1).map(head);
  print();
  const heads = ["wall s", "×", "processor s", "×", "MB", "%", "peak MB", "extra MB"];
  print(title.padEnd(34) + compared(heads).join(""));
  for (const result of results) {
    const cell = (of: (run: Run) => number, unit: number) =>
      (typical(result, of) / unit).toFixed(1).padStart(13);
    const times = (of: (run: Run) => number) =>
      peer === undefined ? "" : ratio(peer, result, of).toFixed(2).padStart(7);
    const percent =
      peer === undefined ? "" : (100 / ratio(peer, result, size) - 100).toFixed(1).padStart(7);
    const cells = [cell(wall, 1), times(wall), cell(cpu, 1), times(cpu), cell(size, 1e6), percent];
    print([result.name.padEnd(34), ...cells, cell(peak, 1e6), cell(extra, 1e6)].join(""));
  }
}

export const named = (results: readonly Result[], name: string): Result => {
  const found = results.find((result) => result.name === name);
  if (found === undefined) throw new Error(`${name} did not run`);
  return found;
};

/** A number against what it should be. */
export interface Verdict {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly bar: number;
  readonly aim?: number;
  /** Whether a larger number is the better one. */
  readonly more: boolean;
}

/** Each number, what it should be, and whether it is. */
export function showVerdicts(verdicts: readonly Verdict[]): void {
  print();
  for (const { what, measured, unit, bar, aim, more } of verdicts) {
    const reached = (limit: number) => (more ? measured >= limit : measured <= limit);
    const word = !reached(bar)
      ? "MISSED"
      : aim !== undefined && reached(aim)
        ? "aim reached"
        : "ok";
    const limits = aim === undefined ? `bar ${bar}` : `bar ${bar}, aim ${aim}`;
    print(
      `${what.padEnd(56)}${`${measured.toFixed(2)} ${unit}`.padStart(14)}   ${limits.padEnd(20)} ${word}`,
    );
  }
}
