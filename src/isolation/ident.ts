import type { HostFacts } from "./host-facts.ts";
import { mappedIds, usefulIds } from "./id-map.ts";
import type { Entry, IdMapRow, Way } from "./isolation.ts";
import { mappedPrefix } from "./mapped-entry.ts";
import { probe } from "./probe.ts";
import { checkInside, noUserNamespace, tryEntry } from "./subid.ts";

/** Root of a container that may not mount but may make a user namespace: one in which every id is itself. */
export const ident: Way = {
  name: "ident",
  summary: "as root of a container that allows user namespaces",
  async check(facts) {
    if (facts.entered?.way === "ident") return await checkInside(facts);
    if (facts.uid !== 0) return { works: false, reason: "you are not root" };
    if (mappedIds(facts.uidMap) < usefulIds) {
      return { works: false, reason: `only ${mappedIds(facts.uidMap)} user ids are known here` };
    }
    const { unshare, setpriv } = facts.programs;
    if (unshare === undefined || setpriv === undefined) {
      return { works: false, reason: "unshare and setpriv are not installed (util-linux)" };
    }
    const refused = await probe([unshare, "--user", "--", "/bin/true"]);
    if (refused !== undefined) return noUserNamespace(refused);
    return await tryEntry(identEntry(facts), facts);
  },
};

export function identEntry(facts: HostFacts): Entry {
  return {
    way: "ident",
    prefix: mappedPrefix(facts),
    mapper: { kind: "files" },
    uidMap: facts.uidMap.map((row) => itself(row)),
    gidMap: facts.gidMap.map((row) => itself(row)),
  };
}

const itself = ({ inside, count }: IdMapRow): IdMapRow => ({ inside, outside: inside, count });
