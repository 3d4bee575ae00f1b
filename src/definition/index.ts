// `import … from "tsbuild/definition"`: the language, without the disk, the network or a process to start.

export type * from "../model/definition.ts";
export type * from "../model/diagnostic.ts";
export type * from "../model/location.ts";
export { DefinitionError, type TsbuildError } from "../model/error.ts";
export { parseBuildArguments, type BuildArguments } from "./build-arguments.ts";
export { checkDefinition } from "./check-definition.ts";
export { fixDefinition, type FixedDefinition } from "./fix-definition.ts";
export { applyFixes, type AppliedFixes } from "./fixes/apply-fixes.ts";
export { formatDefinition } from "./format-definition.ts";
export { printDiagnostic } from "./print-diagnostic.ts";
export {
  readDefinition as parseDefinition,
  readDefinition,
  type ReadOptions,
} from "./read-definition.ts";
export { rules } from "./rules/rules.ts";
