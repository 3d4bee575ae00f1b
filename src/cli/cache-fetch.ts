import { UsageError } from "../model/error.ts";
import { findSource } from "../source/find-source.ts";
import { watchSignals } from "../system/signals.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { accessOf } from "./access-flags.ts";
import { cacheFolder } from "./cache-folder.ts";
import type { CacheFlags } from "./cache.ts";
import { loadPlan } from "./load-plan.ts";
import { makeListener } from "./make-listener.ts";
import { platformFlags } from "./platform-flags.ts";
import { temporaryParent } from "./settings.ts";
import type { CommandTerminal } from "./terminal.ts";

/** The agents that fetch what the cache can keep. */
const remoteAgents = new Set(["docker", "oras"]);
/** Those of images that have no digest to be kept under. */
const passingAgents = new Set(["library", "http", "https"]);

/**
 * `tsbuild cache fetch SPEC…`: brings the bases of builds into the cache, and reads what is in them, for builds without a
 * network and for quick first ones. Gives the exit code.
 * @throws as a build does whose base can't be had
 */
export async function fetchIntoCache(
  specs: readonly string[],
  flags: CacheFlags,
  terminal: CommandTerminal,
): Promise<number> {
  if (specs.length === 0) {
    throw new UsageError("usage/operands", "cache fetch is not told what to fetch", {
      hint: "tsbuild cache fetch docker://debian:12, or tsbuild cache fetch app.def",
    });
  }
  const { environment, folder } = terminal;
  const platform = platformFlags(flags.arch, flags.archVariant, process.arch, flags.platform);
  const access = await accessOf(flags, environment, folder);
  using view = makeListener(flags, terminal);
  using interruption = watchSignals();
  await using temporary = await TemporaryFolder.create(temporaryParent(undefined, environment));
  for (const spec of specs) {
    const { plan } = await loadPlan(spec, { ...flags, section: [] }, { folder, platform });
    for (const step of plan.stages.flatMap(({ steps }) => steps)) {
      if (step.kind !== "bootstrap") continue;
      if (passingAgents.has(step.agent)) {
        const name = `${step.agent}://${step.header["from"] ?? ""}`;
        view.listener({
          type: "note",
          message: `${name} is not kept in the cache: pull it to a file, and start from that`,
        });
      }
      if (!remoteAgents.has(step.agent)) continue;
      const base = await findSource(step.agent)?.open(new Map(Object.entries(step.header)), {
        platform,
        folder,
        temporaryFolder: temporary.folder,
        cacheFolder: cacheFolder(environment),
        noHttps: access.noHttps === true,
        access,
        timeSeconds: 0,
        listener: view.listener,
        signal: interruption.signal,
      });
      await base?.dispose?.();
      terminal.stdout.write(`${step.agent}://${step.header["from"] ?? ""} is in the cache\n`);
    }
  }
  return 0;
}
