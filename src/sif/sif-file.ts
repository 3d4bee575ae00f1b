import { open, type FileHandle } from "node:fs/promises";
import { FormatError, HostError } from "../model/error.ts";
import { decodeArchitecture } from "./architecture.ts";
import { decodeDescriptor, partitionInfo, type SifObject } from "./descriptor.ts";
import {
  descriptorBytes,
  fileSystems,
  headerBytes,
  objectTypes,
  partitionKinds,
} from "./format.ts";
import { decodeHeader, type SifHeader } from "./header.ts";

/** More slots than any image has; a table of this many has 585 MB. */
const mostSlots = 1_000_000;

/** An image, opened for reading. Who opens it closes it. */
export class SifFile {
  /** As the user named it. */
  readonly path: string;
  readonly file: FileHandle;
  readonly header: SifHeader;
  /** What each slot of the table holds; undefined for a free one. */
  readonly slots: readonly (SifObject | undefined)[];
  /** In the order of their slots. */
  readonly objects: readonly SifObject[];

  private constructor(
    path: string,
    file: FileHandle,
    header: SifHeader,
    slots: readonly (SifObject | undefined)[],
  ) {
    this.path = path;
    this.file = file;
    this.header = header;
    this.slots = slots;
    this.objects = slots.filter((object) => object !== undefined);
  }

  /**
   * Opens an image and reads what it says about itself. Old images and those of other tools are read as well: tables
   * elsewhere, types that are not known, ids in any order.
   * @throws {FormatError} `sif/not-sif`, `sif/damaged`
   * @throws {HostError} `host/file-unreadable`
   */
  static async read(path: string): Promise<SifFile> {
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (error) {
      throw unreadable(path, error);
    }
    try {
      const { size } = await file.stat();
      const header = decodeHeader(await readAt(file, 0, Math.min(size, headerBytes), path), path);
      return new SifFile(path, file, header, await readSlots(file, size, header, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The architecture that the image says it is for, or undefined where it is not known. */
  get architecture(): string | undefined {
    return decodeArchitecture(this.header.architectureCode);
  }

  /** The first object of the name. */
  objectNamed(name: string): SifObject | undefined {
    return this.objects.find((object) => object.name === name);
  }

  /** The object of the id. @throws {FormatError} `sif/no-object` */
  objectById(id: number): SifObject {
    const found = this.objects.find((object) => object.id === id);
    if (found === undefined) {
      throw new FormatError("sif/no-object", `${this.path} has no object ${id}`, {
        hint: `it has the objects ${this.objects.map((object) => object.id).join(", ") || "(none)"}`,
      });
    }
    return found;
  }

  /**
   * The bytes of a small object.
   * @throws {FormatError} `sif/too-big` for one over `mostBytes`
   */
  async readObject(object: SifObject, mostBytes = 64 * 1024 * 1024): Promise<Buffer> {
    if (object.sizeBytes > mostBytes) {
      throw new FormatError(
        "sif/too-big",
        `object ${object.id} of ${this.path} has ${object.sizeBytes} bytes, more than the ${mostBytes} that are read at once`,
        { hint: "texts in images are much smaller; the image may be damaged" },
      );
    }
    return readAt(this.file, object.offset, object.sizeBytes, this.path);
  }

  /** The bytes of an object of any size, in pieces. */
  async *streamObject(object: SifObject, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const pieceBytes = 1024 * 1024;
    for (let done = 0; done < object.sizeBytes; done += pieceBytes) {
      signal?.throwIfAborted();
      const size = Math.min(pieceBytes, object.sizeBytes - done);
      yield await readAt(this.file, object.offset + done, size, this.path);
    }
  }

  /**
   * The root file system, which is SquashFS and not encrypted.
   * @throws {FormatError} `sif/oci-sif`, `sif/no-root`, `sif/encrypted`, `sif/not-squashfs`
   */
  primaryPartition(): SifObject {
    if (this.objects.some((object) => object.type === objectTypes.ociRootIndex)) {
      throw new FormatError("sif/oci-sif", `${this.path} is an OCI-SIF image`, {
        hint: "convert it to a plain SIF with SingularityCE, or build from the image that it was made of",
      });
    }
    const primaries = this.objects.filter(
      (object) => partitionInfo(object)?.kind === partitionKinds.primary,
    );
    const [primary, second] = primaries;
    if (primary === undefined || second !== undefined) {
      const count =
        primary === undefined ? "no root file system" : "more than one root file system";
      throw new FormatError("sif/no-root", `${this.path} has ${count}`, {
        hint: "check that this is a container image",
      });
    }
    const fileSystem = partitionInfo(primary)?.fileSystem;
    if (
      fileSystem === fileSystems.encryptedSquashfs ||
      fileSystem === fileSystems.gocryptfsSquashfs
    ) {
      throw new FormatError("sif/encrypted", `${this.path} is encrypted`, {
        hint: "encrypted images can't be read; use the definition or image that it was built from",
      });
    }
    if (fileSystem !== fileSystems.squashfs) {
      throw new FormatError(
        "sif/not-squashfs",
        `the root file system of ${this.path} is of type ${fileSystem}, not SquashFS`,
        { hint: "build the image anew with a current version of Apptainer" },
      );
    }
    return primary;
  }
}

async function readSlots(
  file: FileHandle,
  fileBytes: number,
  header: SifHeader,
  path: string,
): Promise<(SifObject | undefined)[]> {
  const { slots, descriptorsOffset, descriptorsBytes } = header;
  const tableBytes = slots * descriptorBytes;
  if (
    slots < 0 ||
    slots > mostSlots ||
    descriptorsOffset < headerBytes ||
    tableBytes > descriptorsBytes ||
    descriptorsOffset + tableBytes > fileBytes
  ) {
    throw damaged(path, "its table of objects is not inside the file");
  }
  const table = await readAt(file, descriptorsOffset, tableBytes, path);
  const found: (SifObject | undefined)[] = [];
  for (let at = 0; at < tableBytes; at += descriptorBytes) {
    const object = decodeDescriptor(table.subarray(at, at + descriptorBytes));
    found.push(object);
    if (object === undefined) continue;
    if (
      object.offset < 0 ||
      object.sizeBytes < 0 ||
      object.offset + object.sizeBytes > fileBytes ||
      !Number.isSafeInteger(object.offset + object.sizeBytes)
    ) {
      throw damaged(
        path,
        `object ${object.id} should end at ${object.offset + object.sizeBytes}, the file at ${fileBytes}`,
      );
    }
  }
  return found;
}

async function readAt(
  file: FileHandle,
  offset: number,
  sizeBytes: number,
  path: string,
): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeBytes);
  for (let done = 0; done < sizeBytes;) {
    let got: number;
    try {
      got = (await file.read(bytes, done, sizeBytes - done, offset + done)).bytesRead;
    } catch (error) {
      throw unreadable(path, error);
    }
    if (got === 0) throw damaged(path, `it ends at ${offset + done}`);
    done += got;
  }
  return bytes;
}

function damaged(path: string, what: string): FormatError {
  return new FormatError("sif/damaged", `${path} is damaged: ${what}`, {
    hint: "the file may have been cut while it was copied; fetch it again",
  });
}

function unreadable(path: string, cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError("host/file-unreadable", `can't read ${path}: ${reason}`, {
    hint: "check that the file exists and that you may read it",
    cause,
  });
}
