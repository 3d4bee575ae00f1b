import { HostError, UsageError, type ErrorOptions } from "../model/error.ts";
import { takeOwnEntryMark } from "./enter.ts";
import { entryVariable } from "./entry-mark.ts";
import { readHostFacts, type HostFacts } from "./host-facts.ts";
import type { Entry, Isolation, Way, WayName } from "./isolation.ts";
import { ways } from "./ways.ts";

export interface ChooseOptions {
  /** The way to take (`--isolation`); the strongest that works where it is not given. */
  readonly name?: string | undefined;
  /** Where the root file systems will be; it must exist. */
  readonly folder: string;
  readonly environment?: Record<string, string | undefined> | undefined;
}

/** A way that does not work here. */
export interface PassedOver {
  readonly name: WayName;
  readonly reason: string;
  readonly hint: string | undefined;
}

export interface Choice {
  readonly name: WayName;
  readonly summary: string;
  /** Ready, or undefined when this program first has to start itself again by `enterNamespace` with the entry. */
  readonly isolation: Isolation | undefined;
  readonly entry: Entry | undefined;
  /** What can't be had this way, one sentence each: to be told to the user. */
  readonly losses: readonly string[];
  /** The ways that are stronger, and why they were not taken. */
  readonly passedOver: readonly PassedOver[];
  /** What was known of the machine. */
  readonly facts: HostFacts;
  /** The user that started the build, outside of any namespace that was entered for it. */
  readonly user: { readonly uid: number; readonly gid: number };
}

/** No way works, or the named one doesn't. */
export class NoIsolation extends HostError {
  readonly passedOver: readonly PassedOver[];
  readonly facts: HostFacts;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & Pick<Choice, "passedOver" | "facts">,
  ) {
    super(code, message, options);
    this.passedOver = options.passedOver;
    this.facts = options.facts;
  }
}

/** Takes the mark of this process once: scripts must not see the variable. */
let ownMark: ReturnType<typeof takeOwnEntryMark> | "not asked" = "not asked";

/**
 * The strongest way that works on this machine, found out by trying. A process that was started again for a way takes
 * that one.
 * @throws {UsageError} `usage/isolation` for a name that is not known
 * @throws {NoIsolation} `host/no-isolation` when none works, `host/isolation-refused` when the named one does not
 * @throws {HostError} `host/entered-elsewhere` when a variable of ours says what is not so
 */
export async function chooseIsolation(options: ChooseOptions): Promise<Choice> {
  const environment = options.environment ?? process.env;
  const wasTold = environment[entryVariable] !== undefined;
  if (ownMark === "not asked") ownMark = takeOwnEntryMark(environment);
  const facts = await readHostFacts(options.folder, environment, ownMark);
  if (ownMark !== undefined && !facts.setprivOptions.includes("--pdeathsig")) endWithParent();
  const user = { uid: ownMark?.uid ?? facts.uid, gid: ownMark?.gid ?? facts.gid };
  const passedOver: PassedOver[] = [];
  for (const way of candidates(ownMark?.way ?? options.name)) {
    const { name, summary } = way;
    const verdict = await way.check(facts);
    if (verdict.works) {
      const { isolation, entry, losses } = verdict;
      if (entry !== undefined && wasTold) throw enteredElsewhere();
      return { name, summary, isolation, entry, losses, passedOver, facts, user };
    }
    passedOver.push({ name, reason: verdict.reason, hint: verdict.hint });
  }
  throw options.name === undefined || passedOver.length !== 1
    ? noIsolation(passedOver, facts)
    : refused(passedOver, facts);
}

let isWatching = false;

/** What `setpriv --pdeathsig TERM` does where setpriv is too old for it: looks every second. */
function endWithParent(): void {
  if (isWatching) return;
  isWatching = true;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, 1000);
  watch.unref();
}

function candidates(name: string | undefined): readonly Way[] {
  if (name === undefined) return ways;
  const named = ways.filter((way) => way.name === name);
  if (named.length > 0) return named;
  throw new UsageError("usage/isolation", `there is no way of isolation called ${name}`, {
    hint: `the ways are ${ways.map((way) => way.name).join(", ")}`,
  });
}

/** Starting again would end up here again. */
function enteredElsewhere(): HostError {
  return new HostError(
    "host/entered-elsewhere",
    `the variable ${entryVariable} says that this build is in a user namespace of its own, but it is not`,
    { hint: `unset ${entryVariable}` },
  );
}

function noIsolation(passedOver: readonly PassedOver[], facts: HostFacts): NoIsolation {
  return new NoIsolation(
    "host/no-isolation",
    "no way to run a script as root works on this machine",
    {
      hint: "allow user namespaces, or build as root; a definition without %pre, %setup, %post and %test needs neither",
      details: describe(passedOver),
      passedOver,
      facts,
    },
  );
}

function refused(passedOver: readonly PassedOver[], facts: HostFacts): NoIsolation {
  const [way] = passedOver;
  return new NoIsolation(
    "host/isolation-refused",
    `the isolation ${way?.name} does not work here: ${way?.reason}`,
    {
      hint: way?.hint ?? "leave --isolation out to take the strongest that works",
      passedOver,
      facts,
    },
  );
}

/** One line for each way that was passed over, and one for what would help. */
export function describe(passedOver: readonly PassedOver[]): string[] {
  return passedOver.flatMap(({ name, reason, hint }) => [
    `${name}: ${reason}`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ]);
}
