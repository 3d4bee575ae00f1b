// Reading members of a tar archive in place: the headers are walked once, seeking over the contents, and a member is
// then a stretch of the file. For the outsides of image archives, whose names are plain; what is in the layers inside
// is read by tar/, which is exact.

import { open, stat, type FileHandle } from "node:fs/promises";
import { posix } from "node:path";
import { FormatError, SourceError, TsbuildError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import { BlobReader, HashingReader, type BlobPlace } from "./blob-reader.ts";
import { decompress } from "./decompress.ts";
import { compressionOf } from "./layer-index.ts";
import type { LayoutFiles } from "./layout.ts";
import { ByteProgress } from "./progress.ts";
import { writeTemporaryFile } from "./temporary-file.ts";

interface Member {
  readonly place?: BlobPlace;
  /** Of a link, the name of another member. */
  readonly link?: string;
}

export interface ArchiveOptions {
  /** What to call the archive in messages. */
  readonly name: string;
  /** Where a compressed archive is unpacked to. */
  readonly temporaryFolder: string;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

const blockBytes = 512;
/** Extended headers of image archives hold a name or a time. */
const maxExtendedBytes = 1024 * 1024;
const maxLinks = 8;

export class ArchiveFile implements LayoutFiles {
  readonly name: string;
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(name: string, members: ReadonlyMap<string, Member>) {
    this.name = name;
    this.#members = members;
  }

  /**
   * Opens an archive, compressed or not.
   * @throws {SourceError} `source/unreadable`
   * @throws {FormatError} `source/bad-archive`
   */
  static async open(file: string, options: ArchiveOptions): Promise<ArchiveFile> {
    const plain = await uncompressed(file, options);
    const handle = await open(plain, "r");
    try {
      return new ArchiveFile(options.name, await readMembers(handle, plain, options));
    } finally {
      await handle.close();
    }
  }

  async find(path: string): Promise<BlobPlace | undefined> {
    let name = normalName(path);
    for (let links = 0; links < maxLinks; links++) {
      const member = this.#members.get(name);
      if (member?.link === undefined) return member?.place;
      name = member.link;
    }
    return undefined;
  }
}

/** The archive itself, or where it was unpacked to. */
async function uncompressed(file: string, options: ArchiveOptions): Promise<string> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new SourceError(
      "source/unreadable",
      `cannot read ${options.name}: ${(cause as Error).message}`,
      { cause, hint: "check that the file is there and that you may read it" },
    );
  });
  const blob = await BlobReader.open({ file, offset: 0, sizeBytes: size }, options.name);
  try {
    const compression = await compressionOf(blob);
    if (compression === "none") return file;
    const reader = new HashingReader(blob, undefined, options.signal);
    const progress = new ByteProgress(options.listener, `unpack ${options.name}`, size);
    const chunks = async function* () {
      try {
        for await (const chunk of decompress(reader.chunks(), compression)) {
          progress.at(reader.position);
          yield chunk;
        }
      } catch (cause) {
        options.signal.throwIfAborted();
        if (cause instanceof TsbuildError) throw cause;
        throw badArchive(options.name, `can't be decompressed: ${(cause as Error).message}`, cause);
      }
    };
    return await writeTemporaryFile(options.temporaryFolder, chunks(), options.name);
  } finally {
    await blob.close();
  }
}

async function readMembers(
  handle: FileHandle,
  file: string,
  options: ArchiveOptions,
): Promise<Map<string, Member>> {
  const { Header, Pax } = await import("tar");
  const { size: fileBytes } = await handle.stat();
  const members = new Map<string, Member>();
  const block = Buffer.alloc(blockBytes);
  const textAt = async (offset: number, lengthBytes: number) => {
    if (lengthBytes > maxExtendedBytes || offset + lengthBytes > fileBytes) {
      throw badArchive(options.name, "has an extended header that is not whole");
    }
    const bytes = Buffer.alloc(lengthBytes);
    await handle.read(bytes, 0, lengthBytes, offset);
    return bytes.toString("utf8");
  };

  let extended: InstanceType<typeof Pax> | undefined;
  let global: InstanceType<typeof Pax> | undefined;
  let longName: string | undefined;
  let longLink: string | undefined;
  for (let at = 0; at + blockBytes <= fileBytes;) {
    options.signal.throwIfAborted();
    await handle.read(block, 0, blockBytes, at);
    // For numbers that it can't hold it throws.
    const header = attempt(() => new Header(block, 0, extended, global));
    if (header?.nullBlock === true) break;
    const { size, type } = header ?? {};
    if (
      header === undefined ||
      type === undefined ||
      !header.cksumValid ||
      size === undefined ||
      !Number.isSafeInteger(size) ||
      size < 0
    ) {
      throw badArchive(
        options.name,
        at === 0 ? "is no tar archive" : `has a damaged header at byte ${at}`,
      );
    }
    const data = at + blockBytes;
    const hasData = !["Link", "SymbolicLink", "Directory", "FIFO"].includes(type);
    const end = data + (hasData ? Math.ceil(size / blockBytes) * blockBytes : 0);
    if (hasData && data + size > fileBytes) {
      throw badArchive(options.name, `is cut short: ${header.path ?? "a member"} is not whole`);
    }
    at = end;
    if (type === "ExtendedHeader" || type === "OldExtendedHeader") {
      extended = Pax.parse(await textAt(data, size), extended, false);
    } else if (type === "GlobalExtendedHeader") {
      global = Pax.parse(await textAt(data, size), global, true);
    } else if (type === "NextFileHasLongPath" || type === "OldGnuLongPath") {
      longName = untilNul(await textAt(data, size));
    } else if (type === "NextFileHasLongLinkpath") {
      longLink = untilNul(await textAt(data, size));
    } else {
      const name = normalName(longName ?? header.path ?? "");
      const link = longLink ?? header.linkpath ?? "";
      if (type === "File" || type === "OldFile" || type === "ContiguousFile") {
        members.set(name, { place: { file, offset: data, sizeBytes: size } });
      } else if (type === "SymbolicLink") {
        members.set(name, { link: normalName(posix.join(posix.dirname(name), link)) });
      } else if (type === "Link") members.set(name, { link: normalName(link) });
      extended = undefined;
      longName = undefined;
      longLink = undefined;
    }
  }
  return members;
}

function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** One spelling for `./a`, `/a` and `a`. */
function normalName(path: string): string {
  return posix.normalize(`/${path}`).slice(1);
}

function untilNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** The error for an archive that is none, or not the one that is needed. */
export function badArchive(name: string, why: string, cause?: unknown): FormatError {
  return new FormatError("source/bad-archive", `${name} ${why}`, {
    cause,
    hint: "make it again, with docker save, podman save or skopeo copy say",
  });
}
