import * as agents from "./agents.ts";
import type { ImageSource } from "./source.ts";

/** Every agent there is. */
export const sources: readonly ImageSource[] = Object.values(agents);

const byName = new Map(
  sources.flatMap((source) => source.names.map((name) => [name, source] as const)),
);

/** The values that `Bootstrap:` may have. */
export const agentNames: readonly string[] = [...byName.keys()].toSorted();

/** The agent that `Bootstrap: NAME` asks for; undefined where there is none. Names are in lower case, as in Apptainer. */
export function findSource(name: string): ImageSource | undefined {
  return byName.get(name);
}
