import { readContents } from "../contents/read-contents.ts";
import type { ByteString } from "../model/bytes-path.ts";
import type { Content } from "../model/content.ts";
import type { FileNode } from "../model/node.ts";
import type { AttributeWriter } from "./apply-attributes.ts";
import type { DirectoryHandles, Place } from "./directory-handles.ts";
import { FileBeingWritten } from "./file-being-written.ts";

export interface ContentWriterOptions {
  /** Contents that are cheaper to have elsewhere. */
  readonly elsewhere?: ReadonlyMap<Content, Content> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Collects files, and writes them in the order in which their contents are cheap to read. */
export class ContentWriter {
  readonly #handles: DirectoryHandles;
  readonly #signal: AbortSignal | undefined;
  /** By the node that is read, which differs from the one to write where contents were moved. */
  readonly #files = new Map<FileNode, { readonly node: FileNode; readonly place: Place }>();
  readonly #elsewhere = new Map<FileNode, Content>();
  readonly #cheaper: ReadonlyMap<Content, Content> | undefined;

  constructor(handles: DirectoryHandles, options: ContentWriterOptions) {
    this.#handles = handles;
    this.#signal = options.signal;
    this.#cheaper = options.elsewhere;
  }

  /** Says that a file's contents are no longer where its node says. */
  readFrom(node: FileNode, content: Content): void {
    this.#elsewhere.set(node, content);
  }

  add(node: FileNode, place: Place): void {
    const content = this.#elsewhere.get(node) ?? this.#cheaper?.get(node.content);
    this.#files.set(content === undefined ? node : { ...node, content }, { node, place });
  }

  /** @param next told before each file */
  async write(
    attributes: AttributeWriter,
    next: (path: ByteString) => Promise<void>,
  ): Promise<void> {
    let open: FileBeingWritten | undefined;
    try {
      for await (const chunk of readContents([...this.#files.keys()], this.#signal)) {
        if (chunk.file !== open?.file) {
          open?.finish(attributes);
          open = undefined;
          open = await this.#open(chunk.file, next);
        }
        if (chunk.bytes === undefined) open.skip(chunk.zeros);
        else open.write(chunk.bytes);
      }
      open?.finish(attributes);
      open = undefined;
    } finally {
      open?.close();
    }
  }

  async #open(
    file: FileNode,
    next: (path: ByteString) => Promise<void>,
  ): Promise<FileBeingWritten> {
    const wanted = this.#files.get(file);
    if (wanted === undefined) throw new Error("contents of a file that nobody asked for");
    const { node, place } = wanted;
    await next(this.#handles.pathIn(place));
    return new FileBeingWritten(file, node, this.#handles.at(place));
  }
}
