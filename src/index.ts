// The library: what `import … from "tsbuild"` gives. A table of contents, no code.

export * from "./definition/index.ts";
export * from "./model/error.ts";
export type * from "./model/event.ts";
export type * from "./model/plan.ts";
export * from "./model/platform.ts";
export { explainPlan } from "./plan/explain.ts";
export { makePlan, type MadePlan, type PlanOptions } from "./plan/make-plan.ts";
export { sectionSwitch, type SectionSwitch } from "./plan/section-switch.ts";
export { chooseIsolation } from "./isolation/choose.ts";
export { enterNamespace } from "./isolation/enter.ts";
export { parseCompression } from "./squashfs/compression.ts";
export type { Bind, BuildOptions } from "./build/options.ts";
export { runPlan, type BuildResult } from "./build/run-plan.ts";
export { agentNames, findSource, sources } from "./source/find-source.ts";
