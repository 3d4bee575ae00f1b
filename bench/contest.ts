import { rmSync, statSync } from "node:fs";
import { measureProgram, type Cost } from "./measure-program.ts";

/** One way to make an image. */
export interface Contestant {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that are emptied before each run: caches. */
  readonly forget?: readonly string[];
}

export interface Run extends Cost {
  readonly sizeBytes: number;
  /** Beside the image itself. */
  readonly extraWrittenBytes: number;
}

/** What a contestant needed, run by run: the runs of the same number are those of one turn. */
export interface Result {
  readonly name: string;
  readonly runs: readonly Run[];
}

/**
 * Has contestants make the same image, in turns, so that what else the machine does meets all of them.
 * @param image where each of them puts the image
 */
export async function contest(
  contestants: readonly Contestant[],
  image: string,
  options: {
    readonly runs: number;
    readonly folder: string;
    readonly tell: (name: string, run: Run) => void;
  },
): Promise<Result[]> {
  const results = contestants.map(({ name }) => ({ name, runs: [] as Run[] }));
  for (let turn = 0; turn < options.runs; turn += 1) {
    for (const [index, contestant] of contestants.entries()) {
      for (const path of [image, ...(contestant.forget ?? [])]) {
        rmSync(path, { recursive: true, force: true });
      }
      // oxlint-disable-next-line no-await-in-loop -- side by side they would measure each other
      const cost = await measureProgram(contestant.argv, {
        cwd: options.folder,
        env: contestant.env ?? {},
      });
      const sizeBytes = statSync(image).size;
      const extraWrittenBytes = cost.writtenBytes - Math.min(cost.writtenBytes, sizeBytes);
      const run = { ...cost, sizeBytes, extraWrittenBytes };
      results[index]?.runs.push(run);
      options.tell(contestant.name, run);
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** The median over all runs of one of their numbers. */
export function typical({ runs }: Result, of: (run: Run) => number): number {
  return median(runs.map(of));
}

/** How many times more of something `other` needed than `result`: the median over the turns. */
export function ratio(other: Result, result: Result, of: (run: Run) => number): number {
  return median(
    result.runs.map((run, turn) => {
      const against = other.runs[turn];
      return against === undefined ? NaN : of(against) / of(run);
    }),
  );
}
