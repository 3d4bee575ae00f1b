// What a build would meet on this machine, found out by doing what a build does. Nothing is left behind.

import { release } from "node:os";
import { chooseIsolation, NoIsolation, type PassedOver } from "../isolation/choose.ts";
import type { HostFacts } from "../isolation/host-facts.ts";
import { ways } from "../isolation/ways.ts";
import { ControlGroups } from "../sandbox/control-group.ts";
import type { Limited } from "../sandbox/limits.ts";
import { wrongClock } from "./clock.ts";
import { Findings } from "./collect.ts";
import type { FolderReport } from "./examine-folder.ts";
import { examineCache, examineTarget, examineTemporary } from "./examine-places.ts";
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
import { examineRootPlace, type RootPlace } from "./root-place.ts";

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

function withPlace(report: FolderReport, place: RootPlace | undefined): FolderReport {
  if (report.abilities === undefined || place === undefined) return report;
  const lacking = new Set(place.shortcomings.map(({ ability }) => ability));
  const tried = place.tried.map((ability) => [ability, !lacking.has(ability)] as const);
  return { ...report, forScripts: Object.fromEntries(tried) };
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
