// What a build would meet on this machine, found out by doing what a build does. Nothing is left behind.

import { mkdirSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { checkTarget } from "../build/check-target.ts";
import { BlobCache } from "../cache/blob-cache.ts";
import { sha256Of } from "../cache/digest.ts";
import { writeFolder } from "../folder/write-folder.ts";
import { chooseIsolation, NoIsolation, type PassedOver } from "../isolation/choose.ts";
import type { HostFacts } from "../isolation/host-facts.ts";
import { ways } from "../isolation/ways.ts";
import { TargetFile } from "../packer/target-file.ts";
import { writeError } from "../packer/write-error.ts";
import { ControlGroups } from "../sandbox/control-group.ts";
import type { Limited } from "../sandbox/limits.ts";
import { blobFolder } from "../source/oci-base.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { wrongClock } from "./clock.ts";
import { Findings } from "./collect.ts";
import { examineFolder, type FolderReport } from "./examine-folder.ts";
import {
  examineRegistries,
  type Environment,
  type RegistriesReport,
} from "./examine-registries.ts";
import { explainNoIsolation, betterWay } from "./explain-isolation.ts";
import type { Finding } from "./finding.ts";
import { isolationCause } from "./isolation-cause.ts";
import { kernelAbilities, type KernelAbilities } from "./kernel-abilities.ts";
import { readKernelState } from "./kernel-state.ts";
import { tightLimits } from "./process-limits.ts";
import { examineRootPlace, examineSandboxPlace, type RootPlace } from "./root-place.ts";
import { sampleTree } from "./sample-tree.ts";

export interface WayReport {
  readonly name: string;
  readonly summary: string;
  readonly state: "taken" | "refused" | "not tried";
  /** Why it was refused. */
  readonly reason?: string | undefined;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
  /** What an administrator would type to have it. */
  readonly command?: string | undefined;
}

export interface MachineReport {
  /** Goes up when a reader would misunderstand. */
  readonly version: 1;
  readonly kernel: string;
  readonly architecture: string;
  readonly user: { readonly uid: number; readonly name: string };
  /** How scripts are run; undefined when they can't be. */
  readonly way: string | undefined;
  /** What can't be had that way. */
  readonly losses: readonly string[];
  readonly ways: readonly WayReport[];
  /** The one thing that leads to the next better way. */
  readonly next:
    | {
        readonly way: string;
        readonly hint: string | undefined;
        readonly command?: string | undefined;
      }
    | undefined;
  readonly abilities: KernelAbilities | undefined;
  /** The limits that control groups can keep. */
  readonly groups: readonly Limited[];
  readonly folders: Readonly<Partial<Record<"temporary" | "target" | "cache", FolderReport>>>;
  readonly registries: RegistriesReport | undefined;
  readonly findings: readonly Finding[];
}

export interface ExamineOptions {
  /** Where temporary folders are made. */
  readonly temporaryParent: string;
  /** Where images are made. */
  readonly folder: string;
  /** Undefined where the cache is off. */
  readonly cacheFolder: string | undefined;
  readonly environment: Environment;
  /** The way that `--isolation` names. */
  readonly isolation: string | undefined;
}

/** Tries everything. Takes a second or two. */
export async function examineMachine(
  options: ExamineOptions,
  findings = new Findings(),
): Promise<MachineReport> {
  const { environment } = options;
  const temporary = await examineTemporary(options, findings);
  const canWrite = temporary?.abilities !== undefined;
  const target = await examineTarget(options, findings);
  const cache = await examineCache(options, findings);
  // Whether ways work is tried in that folder.
  const isolation = canWrite ? await examineIsolation(options, findings) : nothingKnown;
  const registries = await examineRegistries(environment, findings);
  for (const finding of tightLimits()) findings.add(finding);
  const clock = wrongClock();
  if (clock !== undefined) findings.add(clock);
  const { facts } = isolation;
  return {
    version: 1,
    kernel: release(),
    architecture: process.arch,
    user: { uid: process.geteuid?.() ?? 0, name: facts?.userName ?? "" },
    way: isolation.way,
    losses: isolation.losses,
    ways: isolation.ways,
    next: isolation.next,
    abilities: facts && (await kernelAbilities(facts)),
    groups: await groupsHere(),
    folders: {
      ...(temporary === undefined ? {} : { temporary: withPlace(temporary, isolation.place) }),
      ...(target === undefined ? {} : { target }),
      ...(cache === undefined ? {} : { cache }),
    },
    registries,
    findings: findings.all,
  };
}

async function examineTemporary(
  { temporaryParent }: ExamineOptions,
  findings: Findings,
): Promise<FolderReport | undefined> {
  const report = await findings.attempt("error", async () => {
    await using own = await TemporaryFolder.create(temporaryParent);
    const trial = join(own.folder, "trial");
    mkdirSync(trial);
    const looked = examineFolder(temporaryParent, trial);
    await findings.attempt("error", () => writeFolder(sampleTree(), join(own.folder, "rootfs")));
    return looked;
  });
  if (report?.isShared === true) {
    findings.add({
      code: "host/shared-folder",
      severity: "warning",
      message: `${temporaryParent} is on ${report.fileSystem}, which several machines share: builds with scripts are slow there, or owners of files can't be kept`,
      hint: "name a folder on a local disk with --tmpdir or TSBUILD_TMPDIR",
    });
  }
  return report ?? lookOnly(temporaryParent);
}

function withPlace(report: FolderReport, place: RootPlace | undefined): FolderReport {
  if (report.abilities === undefined || place === undefined) return report;
  const lacking = new Set(place.shortcomings.map(({ ability }) => ability));
  const tried = place.tried.map((ability) => [ability, !lacking.has(ability)] as const);
  return { ...report, forScripts: Object.fromEntries(tried) };
}

async function examineTarget(
  { folder }: ExamineOptions,
  findings: Findings,
): Promise<FolderReport | undefined> {
  const target = join(folder, `tsbuild-doctor-${process.pid}.sif`);
  const isWritable = await findings.attempt("error", async () => {
    await checkTarget({ target, force: false, update: false });
    try {
      await using file = await TargetFile.create(target, false);
      await file.file.writeFile(Buffer.alloc(1 << 20));
      await file.file.sync();
    } catch (error) {
      throw writeError(error, target, folder);
    }
    return true;
  });
  if (isWritable !== true) return lookOnly(folder);
  const place = await findings.attempt("warning", () => examineSandboxPlace(folder));
  // SIF files can be made there all the same.
  const told = place?.refusal ?? place?.warning;
  if (told !== undefined) {
    const { code, message, hint } = told;
    findings.add({ code, severity: "warning", message, hint });
  }
  return tryIn(folder, findings);
}

async function examineCache(
  { cacheFolder }: ExamineOptions,
  findings: Findings,
): Promise<FolderReport | undefined> {
  if (cacheFolder === undefined) return undefined;
  const folder = await blobFolder({
    cacheFolder,
    temporaryFolder: "",
    listener: (event) => {
      if (event.type !== "warning") return;
      const { code, message, hint } = event;
      findings.add({ code, severity: "warning", message, hint });
    },
  });
  if (folder !== cacheFolder) return undefined;
  const bytes = Buffer.alloc(1 << 18, `doctor ${process.pid} `);
  const digest = sha256Of(bytes);
  await findings.attempt("error", async () => {
    const cache = new BlobCache(cacheFolder);
    try {
      await cache.write(digest, "a trial", chunks(bytes));
    } finally {
      await cache.discard(digest);
    }
  });
  return tryIn(cacheFolder, findings);
}

async function* chunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function tryIn(folder: string, findings: Findings): Promise<FolderReport | undefined> {
  const report = await findings.attempt("warning", async () => {
    await using own = await TemporaryFolder.create(folder);
    return examineFolder(folder, own.folder);
  });
  return report ?? lookOnly(folder);
}

function lookOnly(folder: string): FolderReport | undefined {
  for (let at = folder; ; at = dirname(at)) {
    try {
      return { ...examineFolder(at, undefined), path: folder };
    } catch {
      if (at === dirname(at)) return undefined;
    }
  }
}

const nothingKnown: IsolationReport = {
  way: undefined,
  losses: [],
  ways: [],
  next: undefined,
  facts: undefined,
  place: undefined,
};

interface IsolationReport extends Pick<MachineReport, "way" | "losses" | "ways" | "next"> {
  readonly facts: HostFacts | undefined;
  /** What was tried in the folder for temporary files. */
  readonly place: RootPlace | undefined;
}

async function examineIsolation(
  { isolation, temporaryParent, environment }: ExamineOptions,
  findings: Findings,
): Promise<IsolationReport> {
  let refused: NoIsolation | undefined;
  const choice = await findings.attempt("error", () =>
    chooseIsolation({
      name: isolation,
      folder: temporaryParent,
      environment: { ...environment },
    }).catch((error: unknown) => {
      if (!(error instanceof NoIsolation)) throw error;
      refused = error;
      return undefined;
    }),
  );
  const facts = choice?.facts ?? refused?.facts;
  const passedOver = choice?.passedOver ?? refused?.passedOver ?? [];
  const better = facts && betterWay(passedOver, facts);
  if (refused !== undefined) {
    const { code, message, hint } = await explainNoIsolation(refused, environment);
    findings.add({ code, severity: "error", message, hint, command: better?.cause.command });
  } else if (choice !== undefined && choice.losses.length > 0 && better !== undefined) {
    findings.add({ ...better.cause, severity: "warning" });
  }
  const place =
    choice &&
    (await findings.attempt("error", () => examineRootPlace(choice, temporaryParent, environment)));
  if (place?.refusal !== undefined) {
    const { code, message, hint } = place.refusal;
    findings.add({ code, severity: "error", message, hint });
  }
  if (place?.warning !== undefined) findings.add({ ...place.warning, severity: "warning" });
  return {
    way: choice?.name,
    losses: choice?.losses ?? [],
    ways: facts === undefined ? [] : reportWays(choice?.name, passedOver, facts),
    next:
      better === undefined || (choice !== undefined && choice.losses.length === 0)
        ? undefined
        : { way: better.name, hint: better.cause.hint, command: better.cause.command },
    facts,
    place,
  };
}

function reportWays(
  taken: string | undefined,
  passedOver: readonly PassedOver[],
  facts: HostFacts,
): WayReport[] {
  const kernel = readKernelState();
  return ways.map(({ name, summary }) => {
    const passed = passedOver.find((one) => one.name === name);
    if (passed === undefined) {
      return { name, summary, state: name === taken ? "taken" : "not tried" };
    }
    const cause = isolationCause(passed, facts, kernel);
    return {
      name,
      summary,
      state: "refused",
      reason: passed.reason,
      code: cause?.code,
      hint: cause?.hint ?? passed.hint,
      command: cause?.command,
    };
  });
}

async function groupsHere(): Promise<readonly Limited[]> {
  const limits = { memoryBytes: 2 ** 30, cpus: 1, processes: 1000 };
  await using groups = await ControlGroups.create(limits);
  return [...groups.kinds];
}
