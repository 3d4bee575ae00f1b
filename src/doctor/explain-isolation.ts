import type { NoIsolation, PassedOver } from "../isolation/choose.ts";
import type { HostFacts } from "../isolation/host-facts.ts";
import { abilities } from "../isolation/try-folder.ts";
import { HostError } from "../model/error.ts";
import { isolationCause, type Cause } from "./isolation-cause.ts";
import { readKernelState } from "./kernel-state.ts";
import { bearable, wayOut } from "./root-place.ts";

/** The strongest way that was passed over for a reason that somebody can do something about, and the reason. */
export function betterWay(
  passedOver: readonly PassedOver[],
  facts: HostFacts,
): { readonly name: string; readonly cause: Cause } | undefined {
  const kernel = readKernelState();
  for (const passed of passedOver) {
    const cause = isolationCause(passed, facts, kernel);
    if (cause !== undefined) return { name: passed.name, cause };
  }
  return undefined;
}

/** The error for a machine on which no script can be run: by its cause, where one is known, as the doctor tells it. */
export async function explainNoIsolation(
  error: NoIsolation,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<HostError> {
  const cause = betterWay(error.passedOver, error.facts)?.cause;
  if (cause === undefined) return error;
  const [first] = error.passedOver;
  const what =
    error.code === "host/isolation-refused"
      ? `the isolation ${first?.name} does not work here`
      : error.message;
  const { folder, uid } = error.facts;
  // What a plain user has in a namespace can't be tried from here.
  const elsewhere = uid === 0 ? ["births"] : ["births", "owners", "rights"];
  const wanted = abilities.filter((ability) => !elsewhere.includes(ability));
  const hint =
    cause.code === "host/folder-owners"
      ? await wayOut(folder, { wanted }, environment, bearable)
      : cause.hint;
  return new HostError(cause.code, `${what}: ${cause.message}`, {
    hint,
    details: error.details,
    cause: error,
  });
}
