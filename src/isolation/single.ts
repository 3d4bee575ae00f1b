import { chooseFilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import type { Way } from "./isolation.ts";
import { singleMaps, singlePrefix } from "./mapped-entry.ts";
import { namespaceIsolation, rootsOwn } from "./namespace-isolation.ts";
import { probeMounts } from "./probe.ts";
import { probeSupervision } from "./probe-supervision.ts";
import { noUserNamespace } from "./subid.ts";

/**
 * A user namespace with root alone. What needs another user is noted and, as far as programs can see, done; where the
 * kernel is too old for that, they are only told that it worked.
 */
export const single: Way = {
  name: "single",
  summary: "as a plain user of one id, who is root and everybody else by a system call filter",
  async check(facts) {
    const isSupervised = await probeSupervision(facts);
    const losses = isSupervised ? [] : lossesOf(facts);
    if (facts.uid === 0) {
      if (facts.isInitialNamespace) {
        return { works: false, reason: "you are the machine's root" };
      }
      const mounts = await probeMounts(facts);
      if (mounts !== undefined) {
        return { works: false, reason: `mounting is not possible here (${mounts})` };
      }
      const isolation = namespaceIsolation("single", facts, isSupervised ? "noted" : "lost");
      return { works: true, isolation, entry: undefined, losses };
    }
    const mounts = await probeMounts(facts, ["--user", "--map-root-user"]);
    if (mounts !== undefined) return noUserNamespace(mounts);
    const entry = {
      way: "single" as const,
      prefix: singlePrefix(facts),
      mapper: { kind: "prefix" as const },
      ...singleMaps(facts),
    };
    return { works: true, isolation: undefined, entry, losses };
  },
};

function lossesOf(facts: HostFacts): string[] {
  return [
    rootsOwn,
    ...(chooseFilterLoader(facts, "fake-root") === undefined
      ? [
          "package managers fail, because nothing here can load a system call filter (setpriv of util-linux 2.41, or perl)",
        ]
      : []),
  ];
}
