import { FormatError } from "../model/error.ts";
import type { Content, ContentSource, Extent } from "../model/content.ts";
import type { FileNode } from "../model/node.ts";
import { readHostFile } from "./read-host-file.ts";
import { SparseCursor } from "./sparse-cursor.ts";

/** A piece of a file: bytes that are valid until the next step, or a stretch of a hole. */
export type ContentsChunk =
  | { readonly file: FileNode; readonly bytes: Uint8Array; readonly zeros?: undefined }
  | { readonly file: FileNode; readonly zeros: number; readonly bytes?: undefined };

type ExtentContent = Extract<Content, { kind: "extent" }>;

interface Wanted {
  readonly file: FileNode;
  readonly content: ExtentContent;
}

/**
 * The contents of files, file after file, each from its start to its end, holes included; what a file's chunks add up
 * to is its size. A file of 0 bytes gives no chunk. The order is the cheap one and depends on the list alone: files in
 * the order of the list, but a source is read whole, front to back, where the list first meets it. Contents that
 * overlap in their source (copies of each other, say) take another pass over the source each.
 *
 * @param files no file twice
 * @throws {HostError} `host/file-unreadable`, `host/file-changed`
 * @throws {FormatError} `contents/size` for a file that promises another size than its content has, and what the
 *   sources throw
 */
export async function* readContents(
  files: readonly FileNode[],
  signal?: AbortSignal,
): AsyncGenerator<ContentsChunk> {
  const bySource = new Map<ContentSource, Wanted[]>();
  for (const file of files) {
    const { content } = file;
    if (content.kind !== "extent") continue;
    checkExtent(file, content);
    const wanted = bySource.get(content.source);
    if (wanted === undefined) bySource.set(content.source, [{ file, content }]);
    else wanted.push({ file, content });
  }
  for (const file of files) {
    signal?.throwIfAborted();
    const { content } = file;
    switch (content.kind) {
      case "bytes": {
        if (content.bytes.length !== file.sizeBytes) {
          throw wrongSize(file, content.bytes.length, "a text made by the build");
        }
        if (file.sizeBytes > 0) yield { file, bytes: content.bytes };
        break;
      }
      case "host-file": {
        for (const piece of readHostFile(content.path, file.sizeBytes, content.mtimeNs)) {
          signal?.throwIfAborted();
          yield { file, ...piece };
        }
        break;
      }
      case "extent": {
        const wanted = bySource.get(content.source);
        if (wanted === undefined) break;
        bySource.delete(content.source);
        yield* readSource(content.source, wanted, signal);
        break;
      }
    }
  }
}

async function* readSource(
  source: ContentSource,
  wanted: readonly Wanted[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ContentsChunk> {
  // A stable sort: copies stay in the order of the list.
  let left = wanted.toSorted((a, b) => a.content.position - b.content.position);
  while (left.length > 0) {
    const pass: Wanted[] = [];
    const later: Wanted[] = [];
    let end = -1;
    for (const one of left) {
      const { position, lengthBytes } = one.content;
      if (position < end) later.push(one);
      else {
        pass.push(one);
        end = Math.max(end, position + lengthBytes);
      }
    }
    yield* readPass(source, pass, signal);
    left = later;
  }
}

/** One pass over the source. Tells the holes between the stretches of data. */
async function* readPass(
  source: ContentSource,
  pass: readonly Wanted[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ContentsChunk> {
  let at = 0;
  let done = 0;
  let sparse = cursorOf(pass[0]);
  const extents: Extent[] = pass.map(({ content }) => content);
  for await (const { index, bytes } of source.read(extents, signal)) {
    // Files before this one are complete; those without data are all hole.
    for (; at < index; at += 1) {
      yield* finish(pass[at], sparse, done);
      sparse = cursorOf(pass[at + 1]);
      done = 0;
    }
    const one = pass[index];
    done += bytes.length;
    if (one === undefined || at !== index || done > one.content.lengthBytes) {
      throw notAsAsked(source);
    }
    if (sparse === undefined) yield { file: one.file, bytes };
    else for (const piece of sparse.push(bytes)) yield { file: one.file, ...piece };
  }
  for (; at < pass.length; at += 1) {
    yield* finish(pass[at], sparse, done);
    sparse = cursorOf(pass[at + 1]);
    done = 0;
  }
}

function cursorOf(wanted: Wanted | undefined): SparseCursor | undefined {
  const data = wanted?.content.data;
  return wanted === undefined || data === undefined
    ? undefined
    : new SparseCursor(data, wanted.file.sizeBytes);
}

function* finish(
  wanted: Wanted | undefined,
  sparse: SparseCursor | undefined,
  done: number,
): Generator<ContentsChunk> {
  if (wanted === undefined) return;
  if (done !== wanted.content.lengthBytes) throw notAsAsked(wanted.content.source);
  for (const piece of sparse?.finish() ?? []) yield { file: wanted.file, ...piece };
}

function checkExtent(file: FileNode, content: ExtentContent): void {
  let stored = 0;
  let end = 0;
  for (const range of content.data ?? [{ offset: 0, lengthBytes: file.sizeBytes }]) {
    if (range.offset < end || range.lengthBytes < 0) {
      throw wrongSize(file, content.lengthBytes, content.source.name);
    }
    end = range.offset + range.lengthBytes;
    stored += range.lengthBytes;
  }
  if (stored !== content.lengthBytes || end > file.sizeBytes) {
    throw wrongSize(file, content.lengthBytes, content.source.name);
  }
}

function wrongSize(file: FileNode, found: number, where: string): FormatError {
  return new FormatError(
    "contents/size",
    `a file of ${file.sizeBytes} bytes has ${found} bytes of content in ${where}`,
    { hint: "the image that the file comes from is damaged; fetch it again" },
  );
}

function notAsAsked(source: ContentSource): FormatError {
  return new FormatError(
    "contents/size",
    `${source.name} gave other stretches of data than were asked for`,
    { hint: "the image that the file comes from is damaged; fetch it again" },
  );
}
