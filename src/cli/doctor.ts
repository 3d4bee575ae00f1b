import { examineMachine, type MachineReport } from "../doctor/examine-machine.ts";
import { Findings } from "../doctor/collect.ts";
import { examineImage } from "../doctor/examine-image.ts";
import { requireProc } from "../system/require-proc.ts";
import { cacheFolder } from "./cache-folder.ts";
import { doctorText } from "./doctor-text.ts";
import { buildTime, switchSetting, temporaryParent } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export interface DoctorFlags {
  readonly json?: boolean;
  readonly tmpdir?: string;
  readonly isolation?: string;
  readonly disableCache?: boolean;
  readonly https: boolean;
}

/** `tsbuild doctor [IMAGE]`: what a build would meet here. Gives 6 when a build with scripts would fail, else 0. */
export async function doctorCommand(
  operands: readonly string[],
  flags: DoctorFlags,
  { environment, folder, stdout }: Terminal,
): Promise<number> {
  requireProc();
  const [image] = operands;
  const findings = new Findings();
  await findings.attempt("error", async () => {
    buildTime(undefined, environment);
    for (const name of ["SANDBOX", "FORCE", "UPDATE", "NOTEST", "DISABLE_CACHE", "NOHTTPS"]) {
      switchSetting(environment, name);
    }
    return Promise.resolve();
  });
  const kept = flags.disableCache === true ? undefined : cacheFolder(environment);
  if (image !== undefined) {
    await examineImage(image, { environment, cacheFolder: kept, noHttps: !flags.https }, findings);
  }
  const report = await examineMachine(
    {
      temporaryParent: temporaryParent(flags.tmpdir, environment),
      folder,
      cacheFolder: kept,
      environment,
      isolation: flags.isolation,
    },
    findings,
  );
  stdout.write(flags.json === true ? `${JSON.stringify(report, null, 2)}\n` : doctorText(report));
  return exitCodeOf(report);
}

const exitCodeOf = ({ way, findings }: MachineReport) =>
  way === undefined || findings.some(({ severity }) => severity === "error") ? 6 : 0;
