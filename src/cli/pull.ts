import { resolve } from "node:path";
import { checkTarget } from "../build/check-target.ts";
import { FormatError, UsageError } from "../model/error.ts";
import { saveImage } from "../packer/save-image.ts";
import type { FetchImage } from "../source/fetched-image.ts";
import { openImage } from "../source/open-image.ts";
import { watchSignals } from "../system/signals.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { accessOf, type AccessFlags } from "./access-flags.ts";
import type { BuildFlags } from "./build-flags.ts";
import { cacheFolder } from "./cache-folder.ts";
import { makeListener } from "./make-listener.ts";
import { platformFlags } from "./platform-flags.ts";
import { parsePullSource, pullName, type PullSource } from "./pull-name.ts";
import { setting, temporaryParent } from "./settings.ts";
import type { CommandTerminal, GlobalFlags } from "./terminal.ts";

export interface PullFlags extends AccessFlags {
  readonly force?: boolean;
  readonly name?: string;
  readonly dir?: string;
  readonly arch?: string;
  readonly archVariant?: string;
  readonly library?: string;
  readonly cleanup: boolean;
  readonly tmpdir?: string;
  readonly progress?: "plain" | "tty" | "json";
}

/** The schemes whose images are SIF files already. */
const fetchers: Readonly<Record<string, () => Promise<FetchImage>>> = {
  http: async () => (await import("../source/http.ts")).fetchHttp,
  https: async () => (await import("../source/http.ts")).fetchHttp,
  library: async () => (await import("../source/library.ts")).fetchLibrary,
  oras: async () => (await import("../source/oras.ts")).fetchOras,
};

/**
 * `tsbuild pull [IMAGE] SOURCE`, as Apptainer's: images of layers are built into a SIF file, SIF files are fetched as they
 * are and looked at before they take their place.
 */
export async function pullCommand(
  operands: readonly string[],
  flags: PullFlags & GlobalFlags,
  terminal: CommandTerminal,
): Promise<number> {
  const { source, target } = whatAndWhere(operands, flags, terminal);
  const fetcher = Object.hasOwn(fetchers, source.scheme) ? fetchers[source.scheme] : undefined;
  if (fetcher !== undefined) return pullFile(source, await fetcher(), target, flags, terminal);
  const { buildCommand } = await import("./build.ts");
  const uri = `${source.scheme}:${source.scheme.endsWith("docker") ? "//" : ""}${source.from}`;
  return buildCommand([target, uri], buildFlags(flags), terminal);
}

function whatAndWhere(
  operands: readonly string[],
  flags: PullFlags,
  terminal: CommandTerminal,
): { readonly source: PullSource; readonly target: string } {
  const [first = "", second, ...more] = operands;
  if (more.length > 0) {
    throw new UsageError(
      "usage/operands",
      `pull takes IMAGE and SOURCE, not ${operands.length} operands`,
      {
        hint: "tsbuild pull app.sif docker://debian:12",
      },
    );
  }
  if (second !== undefined && /^[a-z-]+:\/\//.test(first)) {
    throw new UsageError("usage/operands", `IMAGE comes before SOURCE, and ${first} is a source`, {
      hint: `tsbuild pull ${second} ${first}`,
    });
  }
  const source = parsePullSource(second ?? first);
  const named = flags.name ?? (second === undefined ? undefined : first);
  const folder = flags.dir ?? setting(terminal.environment, "PULLFOLDER") ?? terminal.folder;
  return { source, target: resolve(terminal.folder, folder, named ?? pullName(source)) };
}

async function pullFile(
  { scheme, from }: PullSource,
  fetch: FetchImage,
  target: string,
  flags: PullFlags & GlobalFlags,
  terminal: CommandTerminal,
): Promise<number> {
  const { environment, folder } = terminal;
  const force = flags.force === true;
  const started = performance.now();
  using view = makeListener(flags, terminal);
  const { listener } = view;
  using interruption = watchSignals({
    onFirst: () => listener({ type: "note", message: "Stopping; once more to stop at once" }),
  });
  await checkTarget({ target, force, update: false });
  const access = await accessOf(flags, environment, folder);
  await using temporary = await TemporaryFolder.create(temporaryParent(flags.tmpdir, environment), {
    keep: !flags.cleanup,
  });
  const isCached = flags.disableCache !== true;
  const header = new Map([
    ["bootstrap", scheme],
    ["from", from],
    ...(flags.library === undefined ? [] : ([["library", flags.library]] as const)),
  ]);
  const context = {
    platform: platformFlags(flags.arch, flags.archVariant, process.arch),
    folder,
    temporaryFolder: temporary.folder,
    cacheFolder: isCached ? cacheFolder(environment) : undefined,
    noHttps: access.noHttps === true,
    access,
    timeSeconds: 0,
    listener,
    signal: interruption.signal,
  };
  const sizeBytes = await fetch(header, context, (chunks, name) =>
    saveImage(chunks, target, { force, check: (file) => checkImage(file, name) }),
  );
  listener({
    type: "build-end",
    target,
    sizeBytes,
    elapsedMs: performance.now() - started,
  });
  return 0;
}

/** Whether it is an image at all, and whole. What only other programs can open is fine. */
async function checkImage(file: string, name: string): Promise<void> {
  try {
    await (await openImage(file, name)).dispose();
  } catch (error) {
    const isOthers =
      error instanceof FormatError &&
      ["sif/encrypted", "sif/oci-sif", "sif/not-squashfs"].includes(error.code);
    if (!isOthers) throw error;
  }
}

/** The options of a build that a pull doesn't have, as they are when nobody says anything. */
function buildFlags(flags: PullFlags & GlobalFlags): BuildFlags & GlobalFlags {
  return {
    ...flags,
    section: [],
    buildArg: [],
    buildArgFile: [],
    buildArgSecret: [],
    secret: [],
    bind: [],
    mount: [],
    verify: true,
    network: "host",
  };
}
