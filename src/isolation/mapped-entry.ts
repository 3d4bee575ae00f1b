import type { HostFacts } from "./host-facts.ts";
import type { Entry } from "./isolation.ts";

/**
 * What waits in a new user namespace until its id maps are written and then becomes root in it. The kernel forgets who
 * a process is to die with when its identity changes, so that is said at the end. It is asked to end and not killed: then it
 * still cleans up.
 */
export function mappedPrefix(facts: HostFacts): string[] {
  const { unshare = "unshare", setpriv = "setpriv" } = facts.programs;
  const deathSignal = facts.setprivOptions.includes("--pdeathsig") ? " --pdeathsig TERM" : "";
  const wait = `read -r _ <&3 || exit 125; exec 3<&-; exec "$0" --reuid 0 --regid 0 --keep-groups${deathSignal} -- "$@"`;
  return [unshare, "--user", "--", "/bin/sh", "-c", wait, setpriv];
}

/** Root alone, mapped by unshare(1) itself: needs nothing but user namespaces. */
export function singlePrefix(facts: HostFacts): string[] {
  const { unshare = "unshare", setpriv } = facts.programs;
  const dieToo =
    setpriv !== undefined && facts.setprivOptions.includes("--pdeathsig")
      ? [setpriv, "--pdeathsig", "TERM", "--"]
      : [];
  return [unshare, "--user", "--map-root-user", "--", ...dieToo];
}

/** The rows for root alone. */
export function singleMaps(facts: HostFacts): Pick<Entry, "uidMap" | "gidMap"> {
  return {
    uidMap: [{ inside: 0, outside: facts.uid, count: 1 }],
    gidMap: [{ inside: 0, outside: facts.gid, count: 1 }],
  };
}
