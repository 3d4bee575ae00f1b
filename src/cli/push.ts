import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { readNode } from "../contents/read-node.ts";
import { SourceError, UsageError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import { platformOf } from "../model/platform.ts";
import { Registry } from "../oci/registry.ts";
import { imageForOci } from "../push/image-config.ts";
import type { LayerCompression } from "../push/layer-file.ts";
import { openPushed } from "../push/open-pushed.ts";
import { containerPath, parseLibraryReference } from "../library-client/library-reference.ts";
import { parsePushTarget, pushReference, type PushScheme } from "../push/push-place.ts";
import { pushSif } from "../push/push-sif.ts";
import { pushTree } from "../push/push-tree.ts";
import { parseCompression } from "../squashfs/compression.ts";
import { watchSignals } from "../system/signals.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { accessOf, type AccessFlags } from "./access-flags.ts";
import { cacheFolder } from "./cache-folder.ts";
import { makeListener } from "./make-listener.ts";
import { buildTime, temporaryParent } from "./settings.ts";
import type { GlobalFlags, Terminal } from "./terminal.ts";

export interface PushFlags extends AccessFlags {
  readonly compress?: string;
  readonly mountFrom?: string;
  readonly library?: string;
  readonly description?: string;
  readonly timestamp?: string;
  readonly progress?: "plain" | "tty" | "json";
  readonly tmpdir?: string;
}

interface PushWork {
  readonly file: string;
  /** As the user named it. */
  readonly image: string;
  readonly name: string;
  readonly flags: PushFlags;
  readonly terminal: Terminal;
  readonly registry: Registry;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/**
 * `tsbuild push IMAGE TARGET`: puts an image into a registry and prints its name with the digest there. The tag is set
 * when all else is there, so that readers see the old image or the new one.
 */
export async function pushCommand(
  operands: readonly string[],
  flags: PushFlags & GlobalFlags,
  terminal: Terminal,
): Promise<number> {
  const [image = "", target = ""] = operands;
  const { scheme, name } = parsePushTarget(target);
  if (scheme !== "docker" && flags.compress !== undefined) {
    throw new UsageError(
      "usage/compression",
      `--compress is for docker://: ${scheme}:// takes the file as it is`,
      {
        hint: "leave --compress out, or build the image with it",
      },
    );
  }
  using view = makeListener(flags, terminal);
  using interruption = watchSignals({
    onFirst: () => view.listener({ type: "note", message: "Stopping; once more to stop at once" }),
  });
  const file = resolve(terminal.folder, image);
  if (scheme !== "docker") await refuseFolder(file, image, scheme);
  const access = await accessOf(flags, terminal.environment, terminal.folder);
  await using registry = new Registry({
    ...access,
    cacheFolder: cacheFolder(terminal.environment),
    listener: view.listener,
    signal: interruption.signal,
  });
  const work: PushWork = {
    file,
    image,
    name,
    flags,
    terminal,
    registry,
    listener: view.listener,
    signal: interruption.signal,
  };
  const pushed = await pushers[scheme](work);
  view[Symbol.dispose]();
  terminal.stdout.write(`${pushed}\n`);
  return 0;
}

/** @throws {SourceError} `source/not-an-image` */
async function refuseFolder(file: string, image: string, scheme: PushScheme): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() !== true) return;
  throw new SourceError(
    "source/not-an-image",
    `${image} is a folder, and ${scheme}:// takes SIF files`,
    {
      hint: `make one first: tsbuild build ${image.replace(/\/+$/, "")}.sif ${image}; docker:// takes the folder as it is`,
    },
  );
}

const pushers: Readonly<Record<PushScheme, (work: PushWork) => Promise<string>>> = {
  oras: pushAsSif,
  docker: pushAsLayer,
  library: pushToServer,
};

async function pushToServer(work: PushWork): Promise<string> {
  const { file, name, flags, terminal, registry, listener, signal } = work;
  const { pushLibrary } = await import("../push/push-library.ts");
  const reference = parseLibraryReference(name);
  const path = `${containerPath(reference)}:${reference.tags.join(",")}`;
  const { host, digest } = await pushLibrary(file, reference, registry.client(`push ${path}`), {
    address: flags.library,
    noHttps: flags.https === false,
    env: terminal.environment,
    description: flags.description ?? "",
    listener,
    signal,
  });
  return `library://${host}/${path} ${digest}`;
}

async function pushAsSif({ file, name, flags, registry, ...rest }: PushWork): Promise<string> {
  const reference = pushReference(name);
  const writer = await registry.writer(reference);
  const { tag } = reference;
  const digest = await pushSif(file, writer, { ...rest, tag, mountFrom: flags.mountFrom });
  return `${writer.name}@${digest}`;
}

async function pushAsLayer(work: PushWork): Promise<string> {
  const { file, image, name, flags, terminal, registry, listener, signal } = work;
  const reference = pushReference(name);
  const compression = layerCompression(flags.compress ?? "gzip");
  const time = buildTime(flags.timestamp, terminal.environment);
  await using opened = await openPushed(file, image, signal);
  const createdSeconds = opened.createdSeconds ?? (time.isFixed ? time.seconds : undefined);
  const forOci = await imageForOci(opened.tree, opened.ociConfig, createdSeconds ?? 0, readNode);
  await using temporary = await TemporaryFolder.create(
    temporaryParent(flags.tmpdir, terminal.environment),
  );
  const writer = await registry.writer(reference);
  const digest = await pushTree(forOci, writer, {
    tag: reference.tag,
    architecture: opened.architecture ?? platformOf(process.arch).architecture,
    createdSeconds,
    compression,
    temporaryFolder: temporary.folder,
    mountFrom: flags.mountFrom,
    listener,
    signal,
  });
  return `${writer.name}@${digest}`;
}

/** @throws {UsageError} `usage/compression` */
function layerCompression(text: string): LayerCompression {
  const { name, level } = parseCompression(text);
  const isGiven = text.includes(":");
  if (name === "none" || (name === "gzip" && level > 9)) {
    throw new UsageError("usage/compression", `a layer can't be compressed with ${text}`, {
      hint: "use gzip:1 to gzip:9, which everybody reads, or zstd:1 to zstd:22",
    });
  }
  return isGiven ? { name, level } : { name };
}
