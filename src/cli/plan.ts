import { explainPlan } from "../plan/explain.ts";
import { loadPlan, type PlanFlags } from "./load-plan.ts";
import { platformFlags } from "./platform-flags.ts";
import { printWarnings } from "./print-warnings.ts";
import { readSecrets } from "./secret-flags.ts";
import type { Terminal } from "./terminal.ts";

/** `tsbuild plan SPEC`: what a build would do. Touches nothing but the definition. */
export async function planCommand(
  operands: readonly string[],
  flags: PlanFlags & { readonly json?: boolean; readonly buildArgSecret: string[] },
  terminal: Terminal,
): Promise<number> {
  const [spec = ""] = operands;
  const platform = platformFlags(flags.arch, flags.archVariant, process.arch);
  const loaded = await loadPlan(spec, flags, {
    folder: terminal.folder,
    platform,
    secretArguments: await readSecrets("--build-arg-secret", flags.buildArgSecret, terminal),
  });
  printWarnings(loaded.warnings, loaded.spec.file, loaded.source, terminal.stderr);
  terminal.stdout.write(
    flags.json === true
      ? `${JSON.stringify(loaded.shownPlan, null, 2)}\n`
      : explainPlan(loaded.shownPlan),
  );
  return 0;
}
