import { open, stat } from "node:fs/promises";
import { toByteString } from "../model/bytes-path.ts";
import { SourceError } from "../model/error.ts";
import { detectCompression } from "../oci/decompress.ts";
import { Layer } from "../oci/layer.ts";
import { ByteProgress } from "../oci/progress.ts";
import { applyLayer } from "../tree/apply-layer.ts";
import { FileTree } from "../tree/file-tree.ts";
import type { BaseImage, SourceContext } from "./source.ts";

/** Where the magic of POSIX archives stands, which GNU's share. */
const magicAt = 257;
const magic = Buffer.from("ustar");

/** Whether a file is a tar archive, or something compressed that may hold one. */
export async function isArchive(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
  const head = buffer.subarray(0, bytesRead);
  return (
    detectCompression(head) !== "none" ||
    head.subarray(magicAt, magicAt + magic.length).equals(magic)
  );
}

/**
 * A root file system in a tar archive (what `docker export` writes, or a distribution publishes), compressed or not. The
 * image that it becomes is like one made from nothing, unless the archive is of a sandbox.
 * @param name as the user wrote it
 * @throws {SourceError} `source/unreadable`, `source/not-a-root` for an archive of another kind
 * @throws {FormatError} `source/layer-damaged`, and what `applyLayer` throws
 */
export async function openRootArchive(
  file: string,
  name: string,
  { listener, signal }: SourceContext,
): Promise<BaseImage> {
  const { size } = await stat(file);
  const progress = new ByteProgress(listener, `read ${name}`, size);
  const place = { file, offset: 0, sizeBytes: size };
  const layer = await Layer.open(
    name,
    place,
    {},
    {
      signal,
      onProgress: (bytes) => progress.at(bytes),
    },
  );
  try {
    const tree = new FileTree();
    applyLayer(tree, layer.entries, layer);
    refuseImages(tree, name);
    const isImage = tree.get(toByteString(".singularity.d/runscript")) !== undefined;
    return { kind: isImage ? "image" : "made", tree, dispose: () => layer.close() };
  } catch (error) {
    await layer.close();
    throw error;
  }
}

/** An archive that holds an image has an agent of its own. */
function refuseImages(tree: FileTree, name: string): void {
  const has = (path: string) => tree.get(toByteString(path)) !== undefined;
  const agent = has("oci-layout")
    ? "oci-archive"
    : has("manifest.json")
      ? "docker-archive"
      : undefined;
  if (agent !== undefined) {
    throw new SourceError("source/not-a-root", `${name} holds an image, not a root file system`, {
      hint: `say so: ${agent}:${name}, or Bootstrap: ${agent} in a definition`,
    });
  }
  if (["bin", "usr", "etc", "sbin", "lib"].some(has)) return;
  const [only, second] = tree.root.sorted();
  const inside = only !== undefined && second === undefined ? `; all is in ${only[0]}/` : "";
  throw new SourceError(
    "source/not-a-root",
    `${name} holds no root file system: there is no bin, usr or etc at its top${inside}`,
    {
      hint: "make the archive from inside the folder: tar -C rootfs -czf rootfs.tar.gz .",
    },
  );
}
