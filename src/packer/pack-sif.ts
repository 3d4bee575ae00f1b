import { resolve } from "node:path";
import { displayName } from "../model/bytes-path.ts";
import { objectTypes } from "../sif/format.ts";
import { formatUuid } from "../sif/uuid.ts";
import { writeSif, type NewObject, type SifWritten } from "../sif/write.ts";
import type { CompressorChoice } from "../squashfs/compression.ts";
import { verifySquashfs } from "../squashfs/verify.ts";
import { writeSquashfs, type SquashfsWritten } from "../squashfs/write.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { DroppedXattrs } from "./dropped-xattrs.ts";
import { TargetFile } from "./target-file.ts";
import { writeError } from "./write-error.ts";

export interface PackWarning {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export interface PackSifOptions {
  /** The definition file, byte for byte. */
  readonly definition: Uint8Array;
  /** JSON documents beside the root file system; empty ones are left out. */
  readonly objects: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** What the root file system runs on, in the words of Go: `amd64`, `arm64` … */
  readonly architecture: string;
  /** When the image was made. */
  readonly timeSeconds: number;
  /** With a fixed time it should come from the content, so that the same build gives the same bytes. */
  readonly uuid: Uint8Array | "random" | "from-content";
  readonly compression: CompressorChoice;
  readonly blockSizeBytes?: number | undefined;
  /** What makes the image executable, at most 31 bytes. */
  readonly launchScript?: string | undefined;
  /** Replace what is at the target. */
  readonly force: boolean;
  /** Read the finished image back, every byte of it; done unless this is false. */
  readonly verify?: boolean | undefined;
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of contents packed, then bytes of the image verified. */
  readonly onProgress?:
    | ((task: "pack" | "verify", doneBytes: number, totalBytes: number) => void)
    | undefined;
  readonly onWarning?: ((warning: PackWarning) => void) | undefined;
}

export interface PackedSif extends SquashfsWritten {
  /** Of the whole image. */
  readonly imageBytes: number;
  readonly uuid: string;
}

/**
 * Makes a SIF image of a tree. The image appears at the target whole and on the disk, or the target stays as it was.
 * Objects stand in Apptainer's order: definition, JSON documents by name, root file system.
 *
 * @throws {UsageError} `target/exists`
 * @throws {HostError} `host/no-space`, `host/not-writable`, `host/no-folder`, `host/write-failed`
 * @throws {FormatError} `squashfs/limit`, `sif/limit`, `image/not-verified`, and what reading the contents throws
 */
export async function packSif(
  tree: FileTree,
  target: string,
  options: PackSifOptions,
): Promise<PackedSif> {
  const path = resolve(target);
  try {
    return await pack(tree, path, options);
  } catch (error) {
    throw writeError(error, path, resolve(path, ".."));
  }
}

async function pack(tree: FileTree, target: string, options: PackSifOptions): Promise<PackedSif> {
  options.signal?.throwIfAborted();
  await using destination = await TargetFile.create(target, options.force);
  const { file } = destination;
  const dropped = new DroppedXattrs();
  let squashfs: SquashfsWritten | undefined;
  const objects: NewObject[] = [
    ...texts(options),
    {
      kind: "root",
      write: async (_, offset) => {
        squashfs = await writeSquashfs(
          tree,
          { file, offset },
          {
            compressor: options.compression,
            blockSizeBytes: options.blockSizeBytes,
            timeSeconds: options.timeSeconds,
            workers: options.workers,
            signal: options.signal,
            onProgress: (done, total) => options.onProgress?.("pack", done, total),
            onDroppedXattr: (at, name) => dropped.add(at, name),
          },
        );
        return squashfs.sizeBytes;
      },
    },
  ];
  const sif = await writeSif(file, objects, options);
  if (squashfs === undefined) throw new Error("the root file system was not written");
  if (options.verify !== false) await verify(destination, sif, squashfs, options);
  options.signal?.throwIfAborted();
  await destination.commit(options.force);
  for (const { name, path, count } of dropped.list()) {
    const others = count === 1 ? "" : ` and ${count - 1} other files`;
    options.onWarning?.({
      code: "squashfs/xattr-dropped",
      message: `SquashFS can't hold the extended attribute ${displayName(name)} of /${displayName(path)}${others}; it is left out`,
    });
  }
  if (options.compression.name === "zstd") {
    options.onWarning?.({
      code: "squashfs/zstd",
      message: "images compressed with zstd don't run in SingularityCE or in Apptainer before 1.4",
      hint: "use --compress balanced for an image that runs everywhere",
    });
  }
  return { ...squashfs, imageBytes: sif.sizeBytes, uuid: formatUuid(sif.uuid) };
}

/** Reads the image back, before it takes its place. */
async function verify(
  { file, target }: TargetFile,
  { objects }: SifWritten,
  squashfs: SquashfsWritten,
  { workers, signal, onProgress }: PackSifOptions,
): Promise<void> {
  const partition = objects.at(-1);
  if (partition === undefined) return;
  await verifySquashfs(file, partition.offset, partition.sizeBytes, {
    name: target,
    inodes: squashfs.inodes,
    workers,
    signal,
    // Blocks are told as the bytes of the image that they stand for.
    onProgress: (done, total) =>
      onProgress?.("verify", Math.round((partition.sizeBytes * done) / total), partition.sizeBytes),
  });
}

function texts({ definition, objects }: PackSifOptions): NewObject[] {
  const list: NewObject[] = [];
  const add = (type: number, name: string, bytes: Uint8Array) => {
    if (bytes.length > 0) list.push({ kind: "bytes", type, name, bytes });
  };
  add(objectTypes.definition, "", definition);
  for (const { name, bytes } of objects.toSorted((a, b) =>
    Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  )) {
    add(objectTypes.json, name, bytes);
  }
  return list;
}
