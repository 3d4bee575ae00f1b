// The stages of a Dockerfile, and which of them the last one needs.

import { DefinitionError } from "../../model/error.ts";
import type { Flag, Instruction } from "../dockerfile/dockerfile.ts";
import { copiesTemporary } from "./temporary-folders.ts";

export interface DockerStage {
  readonly index: number;
  readonly from: Instruction & { readonly kind: "from" };
  readonly body: Instruction[];
  /** The stage that it starts from, if it is one of the file. */
  base: DockerStage | undefined;
  image: string;
}

/** More instructions than a file has, if its stages start from each other, are not written. */
const maxInstructions = 50_000;

/**
 * The last stage and those that it needs.
 * @throws {DefinitionError} `convert/unwritable` when they start from each other too often
 */
export function neededStages(stages: readonly DockerStage[]): ReadonlySet<DockerStage> {
  const needed = new Set<DockerStage>();
  const last = stages.at(-1);
  const waiting = last === undefined ? [] : [last];
  let count = 0;
  for (let stage = waiting.pop(); stage !== undefined; stage = waiting.pop()) {
    if (needed.has(stage)) continue;
    needed.add(stage);
    for (let at: DockerStage | undefined = stage; at !== undefined; at = at.base) {
      count += at.body.length + 1;
      if (count > maxInstructions) {
        throw new DefinitionError([
          {
            severity: "error",
            code: "convert/unwritable",
            message: `the stages have more than ${maxInstructions} instructions when each has those that it starts from`,
            location: at.from.location,
            hint: "start stages from an image that was built before",
          },
        ]);
      }
      for (const instruction of at.body) {
        const flag = fromFlag(instruction);
        const found = flag && findStage(flag, at, stages);
        if (found !== undefined) waiting.push(found);
      }
    }
  }
  return needed;
}

/** The stage that `--from` names: by name, or by number. */
export function findStage(
  { value = "" }: Flag,
  user: DockerStage,
  stages: readonly DockerStage[],
): DockerStage | undefined {
  const before = stages.slice(0, user.index);
  if (/^\d+$/.test(value)) return before[Number(value)];
  return before.findLast((stage) => stage.from.name === value.toLowerCase());
}

/** The `--from` of a COPY. */
export function fromFlag(instruction: Instruction): Flag | undefined {
  if (instruction.kind !== "copy") return undefined;
  return instruction.flags.find(({ name }) => name === "from");
}

/** The stage that does not start from another one of the file. */
export function rootOf(stage: DockerStage): DockerStage {
  let root = stage;
  while (root.base !== undefined) root = root.base;
  return root;
}

/** The instructions of a stage and of those that it starts from, the farthest first. */
export function partsOf(stage: DockerStage): Instruction[][] {
  const parts: Instruction[][] = [];
  for (let at: DockerStage | undefined = stage; at !== undefined; at = at.base) parts.push(at.body);
  return parts.toReversed();
}

/** Whether commands run in the stage, those of the stages that it starts from among them. */
export const hasRun = (stage: DockerStage): boolean =>
  partsOf(stage).some((part) => part.some(({ kind }) => kind === "run"));

/** The stages whose temporary folders others copy from. */
export function stagesToKeep(
  stages: readonly DockerStage[],
  needed: ReadonlySet<DockerStage>,
): ReadonlySet<DockerStage> {
  const found = new Set<DockerStage>();
  for (const user of needed) {
    for (let at: DockerStage | undefined = user; at !== undefined; at = at.base) {
      for (const instruction of at.body) {
        if (instruction.kind !== "copy" || !copiesTemporary(instruction)) continue;
        const flag = fromFlag(instruction);
        const origin = flag && findStage(flag, at, stages);
        if (origin !== undefined) found.add(origin);
      }
    }
  }
  return found;
}
