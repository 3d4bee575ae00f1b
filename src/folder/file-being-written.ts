import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import type { FileNode } from "../model/node.ts";
import type { AttributeWriter } from "./apply-attributes.ts";
import { openedFile } from "./disk-entry.ts";

/** Makes a file where nothing may be, not even a symlink. */
export function createFile(path: Buffer): number {
  return openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
}

/** A new file whose contents come in pieces, in order. */
export class FileBeingWritten {
  /** The node that the contents are of. */
  readonly file: FileNode;
  readonly #node: FileNode;
  readonly #path: Buffer;
  readonly #fd: number;
  #doneBytes = 0;
  #endsInHole = false;

  /** @param node what the file is to become */
  constructor(file: FileNode, node: FileNode, path: Buffer) {
    this.file = file;
    this.#node = node;
    this.#path = path;
    this.#fd = createFile(path);
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#doneBytes + done);
    }
    this.#doneBytes += bytes.length;
    this.#endsInHole = false;
  }

  skip(zeros: number): void {
    this.#doneBytes += zeros;
    this.#endsInHole = true;
  }

  /** Sets size and attributes, and closes. */
  finish(attributes: AttributeWriter): void {
    if (this.#doneBytes !== this.#node.sizeBytes) throw new Error("contents of another size");
    if (this.#endsInHole) ftruncateSync(this.#fd, this.#doneBytes);
    attributes.apply(openedFile(this.#fd, this.#path), this.#node);
    closeSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
