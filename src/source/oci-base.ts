// What the agents for OCI and Docker images share.

import { mkdir, stat, access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { SourceError } from "../model/error.ts";
import type { ArchiveFile } from "../oci/archive-file.ts";
import type { LayerSource } from "../oci/image.ts";
import type { LayoutFiles } from "../oci/layout.ts";
import type { ImageConfig } from "../oci/manifest.ts";
import type { BaseImage, HeaderKeyword, SourceContext } from "./source.ts";

/** The keyword that says where a local image is. */
export function fromKeyword(meaning: string): HeaderKeyword {
  return { name: "from", required: true, meaning };
}

export interface LocatedImage {
  /** Absolute. */
  readonly file: string;
  /** As the user wrote it, for messages. */
  readonly name: string;
  /** The image in it: a digest or a name. */
  readonly wanted: string | undefined;
}

/**
 * Takes apart `path`, `path:name[:tag]` and `path@digest`. Paths may hold colons, so what exists decides: the longest
 * start that does is the path.
 * @throws {SourceError} `source/missing-from`, `source/missing-file`
 */
export async function locateImage(
  header: ReadonlyMap<string, string>,
  context: SourceContext,
): Promise<LocatedImage> {
  const from = header.get("from") ?? "";
  if (from === "") {
    throw new SourceError("source/missing-from", "the header says nothing after From:", {
      hint: "name the image there: From: path/to/image",
    });
  }
  const ends = [from.length];
  for (let at = from.length - 1; at > 0; at--) if (/[:@]/.test(from[at] ?? "")) ends.push(at);
  for (const end of ends) {
    const path = from.slice(0, end);
    const file = resolve(context.folder, path);
    if ((await stat(file).catch(() => undefined)) === undefined) continue;
    const wanted = from.slice(end + 1);
    return { file, name: path, wanted: wanted === "" ? undefined : wanted };
  }
  throw new SourceError("source/missing-file", `there is no ${from}`, {
    hint: missingHint(from, context),
  });
}

function missingHint(from: string, context: SourceContext): string {
  if (from.startsWith("~")) return `~ is not expanded here: write ${homedir()}${from.slice(1)}`;
  const scheme = /^[a-z-]+:\/\//.exec(from);
  if (scheme !== null) return `write the path alone, without ${scheme[0]}`;
  if (from.startsWith("/")) return "check the path";
  return `relative paths start at ${context.folder}; check the path`;
}

/** Fetches and reads an image's layers and makes a base of them. Errors as `openImage`. */
export async function openBase(
  layers: readonly LayerSource[],
  config: ImageConfig,
  context: SourceContext,
): Promise<BaseImage> {
  const [{ openImage }, { LayerIndexCache }] = await Promise.all([
    import("../oci/image.ts"),
    import("../oci/layer-index-cache.ts"),
  ]);
  const { listener, signal, cacheFolder, access } = context;
  const indexes = cacheFolder === undefined ? undefined : new LayerIndexCache(cacheFolder, access);
  const image = await openImage(layers, config, { listener, signal, indexes });
  return {
    kind: "oci",
    tree: image.tree,
    ociConfig: image.config,
    layers: digestsOf(layers),
    dispose: () => image.dispose(),
  };
}

/** Those of the unpacked layers, which registries and archives of the same image share. */
function digestsOf(layers: readonly LayerSource[]): string[] | undefined {
  const digests = layers.map(({ digest, diffId }) => diffId ?? digest);
  return digests.every((digest) => digest !== undefined) ? digests : undefined;
}

/** Opens an image of a layout. Errors as `LayoutStore.start`, `resolveImage` and `openImage`. */
export async function openLayout(
  files: LayoutFiles,
  wanted: string | undefined,
  context: SourceContext,
): Promise<BaseImage> {
  const [{ LayoutStore }, { layersOf, resolveImage }] = await Promise.all([
    import("../oci/layout.ts"),
    import("../oci/image.ts"),
  ]);
  const store = new LayoutStore(files);
  const start = await store.start(wanted, context.platform);
  const image = await resolveImage(store, start, context.platform, context.listener);
  return openBase(layersOf(store, image), image.config, context);
}

/**
 * Opens what `docker save` wrote: the layout in it where it is whole, else by its manifest.json. Errors as
 * `openLayout` and `readDockerArchive`.
 */
export async function openDockerArchive(
  archive: ArchiveFile,
  wanted: string | undefined,
  context: SourceContext,
): Promise<BaseImage> {
  const [{ readDockerArchive }, { warnOfPlatform }] = await Promise.all([
    import("../oci/docker-archive.ts"),
    import("../oci/image.ts"),
  ]);
  const hasLayout =
    (await archive.find("oci-layout")) !== undefined &&
    (await archive.find("index.json")) !== undefined;
  if (hasLayout) {
    const hasManifest = (await archive.find("manifest.json")) !== undefined;
    try {
      return await openLayout(archive, wanted, context);
    } catch (error) {
      // Docker writes entries for platforms whose blobs it doesn't have; manifest.json lists what is there.
      if (!(hasManifest && error instanceof SourceError)) throw error;
    }
  }
  const { config, layers } = await readDockerArchive(archive, wanted);
  warnOfPlatform(config, context.platform, archive.name, context.listener);
  return openBase(layers, config, context);
}

/** An archive named in a header, opened. @throws {SourceError} `source/not-an-archive` for a folder */
export async function openArchive(
  located: LocatedImage,
  context: SourceContext,
): Promise<ArchiveFile> {
  if ((await stat(located.file)).isDirectory()) {
    throw new SourceError("source/not-an-archive", `${located.name} is a folder`, {
      hint: "for an OCI layout in a folder use Bootstrap: oci",
    });
  }
  const { ArchiveFile } = await import("../oci/archive-file.ts");
  return ArchiveFile.open(located.file, { ...context, name: located.name });
}

/**
 * The folder for downloaded blobs: the cache's, or one of this build where the cache is off or can't be written to,
 * which is told once.
 */
export async function blobFolder(
  context: Pick<SourceContext, "cacheFolder" | "listener" | "temporaryFolder">,
): Promise<string> {
  const { cacheFolder } = context;
  if (cacheFolder !== undefined) {
    try {
      await mkdir(cacheFolder, { recursive: true, mode: 0o700 });
      await access(cacheFolder, constants.W_OK | constants.X_OK);
      return cacheFolder;
    } catch (error) {
      context.listener({
        type: "warning",
        code: "cache/not-writable",
        message: `nothing is kept in the cache ${cacheFolder}: ${(error as Error).message}`,
        // This machine refuses root nothing of the kind.
        hint:
          process.getuid?.() === 0 && (error as NodeJS.ErrnoException).code === "EACCES"
            ? "the file server is closed to root (NFS: root_squash): name a folder of this machine with TSBUILD_CACHEDIR"
            : "name another folder with TSBUILD_CACHEDIR",
      });
    }
  }
  return join(context.temporaryFolder, "blobs");
}
