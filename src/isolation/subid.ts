import { HostError } from "../model/error.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { startInNamespace } from "./enter.ts";
import type { HostFacts } from "./host-facts.ts";
import { usefulIds, wantedIds } from "./id-map.ts";
import type { Entry, IdMapRow, Verdict, Way } from "./isolation.ts";
import { mappedPrefix } from "./mapped-entry.ts";
import { lossesOfIds, namespaceIsolation } from "./namespace-isolation.ts";
import { probeSupervision } from "./probe-supervision.ts";
import { firstLine, probe, probeMounts } from "./probe.ts";
import { subordinateRanges, type IdRange } from "./subordinate-ids.ts";

/** A plain user with a range of ids (subuid(5)): root and everybody else are users of that range. */
export const subid: Way = {
  name: "subid",
  summary: "as a plain user with a range of ids in /etc/subuid and /etc/subgid",
  async check(facts) {
    if (facts.entered?.way === "subid") return await checkInside(facts);
    if (facts.uid === 0) return { works: false, reason: "you are root" };
    const { unshare, setpriv, newuidmap, newgidmap } = facts.programs;
    if (unshare === undefined || setpriv === undefined) {
      return { works: false, reason: "unshare and setpriv are not installed (util-linux)" };
    }
    const refused = await probe([unshare, "--user", "--map-root-user", "--", "/bin/true"]);
    if (refused !== undefined) return noUserNamespace(refused);

    const uids = bestRange(await subordinateRanges("uid", facts));
    const gids = bestRange(await subordinateRanges("gid", facts));
    if (uids === undefined || gids === undefined) {
      const file = uids === undefined ? "/etc/subuid" : "/etc/subgid";
      return {
        works: false,
        reason: `no range of at least ${usefulIds} ids for ${facts.userName} in ${file}`,
        hint: `root can give one: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${facts.userName}`,
      };
    }
    if (newuidmap === undefined || newgidmap === undefined) {
      return {
        works: false,
        reason: "newuidmap and newgidmap are not installed",
        hint: "install the package uidmap (Debian) or shadow-utils (Fedora)",
      };
    }
    const entry: Entry = {
      way: "subid",
      prefix: mappedPrefix(facts),
      mapper: { kind: "programs", newuidmap, newgidmap },
      uidMap: rows(facts.uid, uids),
      gidMap: rows(facts.gid, gids),
    };
    return await tryEntry(entry, facts);
  },
};

/** The first of the largest size that is of use. */
function bestRange(ranges: readonly IdRange[]): IdRange | undefined {
  const useful = ranges.filter(({ count }) => count >= usefulIds);
  return (
    useful.find(({ count }) => count >= wantedIds) ??
    useful.toSorted((a, b) => b.count - a.count)[0]
  );
}

/** Apptainer's map, so that sandboxes can be exchanged: root is the user, 1 the first id of the range. */
function rows(own: number, { start, count }: IdRange): IdMapRow[] {
  return [
    { inside: 0, outside: own, count: 1 },
    { inside: 1, outside: start, count: Math.min(count, wantedIds) },
  ];
}

/** What the trial of an entry ends with when a file could not be given away; what follows has statuses of its own. */
const ownersStatus = 93;

/**
 * Maps a namespace for a moment, gives a file to another user in it, on the disk that will be used, and mounts something.
 */
export async function tryEntry(entry: Entry, facts: HostFacts): Promise<Verdict> {
  try {
    await using made = await TemporaryFolder.create(facts.folder);
    let owners: string | undefined;
    const script = `(cd "$1" && : > file && chown 1:1 file && rm file) || exit ${ownersStatus}; shift; exec "$@"`;
    const mounts = await probeMounts(facts, [], async (command) => {
      const words = ["/bin/sh", "-c", script, "sh", made.folder, ...command];
      const program = await startInNamespace(entry, words, { output: "pipe" });
      let errors = "";
      program.stdout?.resume();
      program.stderr?.on("data", (bytes: Buffer) => {
        errors += bytes.toString();
      });
      const { exitCode } = await program.ended;
      if (exitCode === 0) return undefined;
      const said = firstLine(errors) ?? `status ${exitCode}`;
      if (exitCode === ownersStatus) owners = said;
      return said;
    });
    if (owners !== undefined) {
      return {
        works: false,
        reason: `files in ${facts.folder} can't be given to other users: ${owners}`,
        hint: "name a folder on a local disk with --tmpdir or TSBUILD_TMPDIR",
      };
    }
    if (mounts !== undefined) return noMounts(mounts);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return {
      works: false,
      reason: [error.message, ...error.details.slice(0, 1)].join(": "),
      hint: error.hint,
    };
  }
  const isNoted = await probeSupervision(facts);
  return { works: true, isolation: undefined, entry, losses: lossesOfIds(entry.uidMap, isNoted) };
}

function noMounts(refused: string): Verdict {
  return { works: false, reason: `mounting is not possible in a user namespace (${refused})` };
}

/** We are in: what is left to find out is whether mounting works. */
export async function checkInside(facts: HostFacts): Promise<Verdict> {
  const mounts = await probeMounts(facts);
  if (mounts !== undefined) return noMounts(mounts);
  const way = facts.entered?.way ?? "subid";
  const isNoted = await probeSupervision(facts);
  return {
    works: true,
    isolation: namespaceIsolation(way, facts, isNoted ? "kept and noted" : "kept"),
    entry: undefined,
    losses: lossesOfIds(facts.uidMap, isNoted),
  };
}

/** Why not, in words that lead on. */
export function noUserNamespace(refused: string): Verdict {
  const restricted = /uid_map|setgroups|Permission denied/.test(refused);
  return {
    works: false,
    reason: `you may not make user namespaces (${refused})`,
    hint: restricted
      ? "AppArmor may restrict them: root can lift that with sysctl kernel.apparmor_restrict_unprivileged_userns=0"
      : "ask the administrator for user namespaces (user.max_user_namespaces, kernel.unprivileged_userns_clone), or build as root",
  };
}
