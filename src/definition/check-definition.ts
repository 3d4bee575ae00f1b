import type { ReadDefinition } from "../model/definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { withFixes } from "./fixes/with-fixes.ts";
import { rules } from "./rules/rules.ts";
import { switchedOff } from "./rules/switched-off.ts";

/**
 * What was found when the definition was read, and what the rules have to say about it if it can be built, in the order
 * of the file. Rules only warn; their codes are `check/<rule>`. A comment `# tsbuild: disable=<rule>` switches a rule off,
 * and a warning of the reader by the part of its code behind the slash; errors stay (see `rules/switched-off.ts`).
 */
export function checkDefinition({ definition, diagnostics }: ReadDefinition): Diagnostic[] {
  if (definition === undefined) return [...diagnostics];
  const advice: Diagnostic[] = [];
  for (const stage of definition.stages) {
    const isFinal = stage.index === definition.stages.length - 1;
    for (const rule of rules) {
      for (const finding of rule.check(stage, { definition, isFinal })) {
        advice.push({ severity: "warning", code: `check/${rule.name}`, ...finding });
      }
    }
  }
  const { source, file } = definition;
  const found = [...diagnostics, ...withFixes(advice, source, file, { agents: [], stages: [] })];
  const isOff = switchedOff(definition);
  return found
    .filter(({ severity, code, location }) => {
      const name = code.slice(code.indexOf("/") + 1);
      return severity === "error" || !isOff(name, location.line);
    })
    .toSorted((a, b) => a.location.line - b.location.line || a.location.column - b.location.column);
}
