import type { PlanHere } from "../model/plan.ts";
import { explainPlan } from "../plan/explain.ts";
import { loadPlan, type PlanFlags } from "./load-plan.ts";
import { platformFlags } from "./platform-flags.ts";
import { printWarnings } from "./print-warnings.ts";
import { scriptsHere } from "./scripts-here.ts";
import { readSecrets } from "./secret-flags.ts";
import { temporaryParent } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/**
 * `tsbuild plan SPEC`: what a build would do, and how its scripts would be run here. Touches nothing but the definition, and
 * for the latter the folder for temporary files.
 */
export async function planCommand(
  operands: readonly string[],
  flags: PlanFlags & {
    readonly json?: boolean;
    readonly buildArgSecret: string[];
    readonly portable?: boolean;
    readonly isolation?: string;
    readonly tmpdir?: string;
  },
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
  const { environment } = terminal;
  const here =
    flags.portable === true
      ? undefined
      : await scriptsHere(loaded.plan, {
          isolation: flags.isolation,
          temporaryParent: temporaryParent(flags.tmpdir, environment),
          environment,
        });
  const plan: PlanHere = { ...loaded.shownPlan, here };
  terminal.stdout.write(
    flags.json === true ? `${JSON.stringify(plan, null, 2)}\n` : explainPlan(plan),
  );
  return 0;
}
