import { mappedIds, usefulIds } from "./id-map.ts";
import type { Way } from "./isolation.ts";
import { lossesOfIds, namespaceIsolation } from "./namespace-isolation.ts";
import { probeSupervision } from "./probe-supervision.ts";
import { probeMounts, probeOwners } from "./probe.ts";

/** The process is root and may mount: the machine's root, or one that a container made with a full range of users. */
export const root: Way = {
  name: "root",
  summary: "as root, in namespaces of its own",
  async check(facts) {
    if (facts.uid !== 0) return { works: false, reason: "you are not root" };
    if (mappedIds(facts.uidMap) < usefulIds) {
      return {
        works: false,
        reason: `you are root of a user namespace with ${mappedIds(facts.uidMap)} user ids only`,
      };
    }
    const owners = await probeOwners(facts.folder);
    if (owners !== undefined) {
      return {
        works: false,
        reason: owners,
        hint: "name a folder on a local disk with --tmpdir or TSBUILD_TMPDIR",
      };
    }
    const mounts = await probeMounts(facts);
    if (mounts !== undefined) {
      return {
        works: false,
        reason: `root may not mount here (${mounts})`,
        hint: "in a container, allow it with --privileged, or with --cap-add SYS_ADMIN and a seccomp profile that lets mount and unshare pass",
      };
    }
    // Root of a user namespace can't make devices, and has not all ids.
    const isNoted = !facts.isInitialNamespace && (await probeSupervision(facts));
    return {
      works: true,
      isolation: namespaceIsolation("root", facts, isNoted ? "kept and noted" : "kept"),
      entry: undefined,
      losses: facts.isInitialNamespace ? [] : lossesOfIds(facts.uidMap, isNoted),
    };
  },
};
