/** What a script may take, all that it starts together. What is not given is not limited. */
export interface Limits {
  readonly memoryBytes?: number | undefined;
  /** Processors at a time; 1.5 is one and half of another. */
  readonly cpus?: number | undefined;
  /** Processes and threads. */
  readonly processes?: number | undefined;
  /** Time from the script's start. */
  readonly timeoutMs?: number | undefined;
}

/** What a control group can keep a script to. */
export type Limited = "memory" | "cpus" | "processes";

/** Those that are wanted. */
export function wantedLimits({ memoryBytes, cpus, processes }: Limits): Limited[] {
  return [
    ...(memoryBytes === undefined ? [] : ["memory" as const]),
    ...(cpus === undefined ? [] : ["cpus" as const]),
    ...(processes === undefined ? [] : ["processes" as const]),
  ];
}
