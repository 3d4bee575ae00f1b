import { open } from "node:fs/promises";
import { FormatError, SourceError } from "../model/error.ts";
import { SifFile } from "../sif/sif-file.ts";
import { readSquashfs } from "../squashfs/read.ts";
import type { FileTree } from "../tree/file-tree.ts";
import type { OciConfig } from "./source.ts";

/** A SIF or SquashFS image that is open for reading. */
export interface OpenedImage {
  /** Its contents can be read until the image is disposed. */
  readonly tree: FileTree;
  /** The object `inspect-metadata.json` of a SIF that has one. */
  readonly metadata: string | undefined;
  /** The object `oci-config.json` of a SIF that has one. */
  readonly ociConfig: OciConfig | undefined;
  /** What it says that it is for, in the words of Go. */
  readonly architecture: string | undefined;
  readonly createdSeconds: number | undefined;
  dispose(): Promise<void>;
}

/** Where the magic of a SIF file may be: Apptainer looks no further. */
const headBytes = 2048;

/**
 * Opens a SIF file, or a bare SquashFS file, whose root file system is SquashFS.
 * @param name the file as the user named it
 * @throws {SourceError} `source/not-found`, `source/not-an-image`
 * @throws {FormatError} what the readers of the formats throw, `source/bad-oci-config`
 */
export async function openImage(file: string, name: string): Promise<OpenedImage> {
  const start = await squashfsStart(file, name);
  if (start !== undefined) return openSquashfs(file, start, name);
  const sif = await SifFile.read(file);
  try {
    const partition = sif.primaryPartition();
    const text = async (object: string) => {
      const found = sif.objectNamed(object);
      return found && (await sif.readObject(found)).toString("utf8");
    };
    return {
      tree: await readSquashfs(sif.file, partition.offset, partition.sizeBytes, name),
      metadata: await text("inspect-metadata.json"),
      ociConfig: parseConfig(await text("oci-config.json"), name),
      architecture: sif.architecture,
      createdSeconds: sif.header.createdSeconds,
      dispose: () => sif.close(),
    };
  } catch (error) {
    await sif.close();
    throw error;
  }
}

async function openSquashfs(file: string, start: number, name: string): Promise<OpenedImage> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    return {
      tree: await readSquashfs(handle, start, size - start, name),
      metadata: undefined,
      ociConfig: undefined,
      architecture: undefined,
      createdSeconds: undefined,
      dispose: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const squashfsMagic = Buffer.from("hsqs");

/**
 * Where the file system of a bare SquashFS file begins: at its start, or behind the line that made images of Singularity 2
 * executable. Undefined for a SIF file.
 */
async function squashfsStart(file: string, name: string): Promise<number | undefined> {
  let head: Buffer;
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    head = buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new SourceError("source/not-found", `the image ${name} can't be read`, {
      hint: "check the name, and that you may read the file",
      cause: error,
    });
  }
  if (head.includes("SIF_MAGIC")) return undefined;
  const start = /^#!.*singularity/.test(head.toString("latin1")) ? head.indexOf("\n") + 1 : 0;
  if (head.subarray(start, start + squashfsMagic.length).equals(squashfsMagic)) return start;
  throw new SourceError("source/not-an-image", `${name} is neither a SIF nor a SquashFS file`, {
    hint: "archives have agents of their own: docker-archive and oci-archive",
  });
}

function parseConfig(text: string | undefined, name: string): OciConfig | undefined {
  if (text === undefined) return undefined;
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new FormatError(
      "source/bad-oci-config",
      `the object oci-config.json of ${name} is not JSON`,
      {
        hint: "build the image anew from where it came from",
        cause: error,
      },
    );
  }
  return typeof config === "object" && config !== null ? (config as OciConfig) : undefined;
}
