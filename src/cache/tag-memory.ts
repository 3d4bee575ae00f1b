// What tags stood for when a registry was last asked, for builds without a network. Below the cache folder:
//
//   tags-v1/<sha256 of the name>     {"name": "docker.io/library/debian:12", "digest": "sha256:…"}
//
// A file's time is when the registry was asked.

import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDigest, type Digest } from "./digest.ts";

export interface RememberedTag {
  /** `registry/repository:tag` */
  readonly name: string;
  readonly digest: Digest;
}

export class TagMemory {
  readonly folder: string;

  /** @param cacheFolder is made when the first tag comes */
  constructor(cacheFolder: string) {
    this.folder = join(cacheFolder, "tags-v1");
  }

  /** What a tag stood for when it was last looked up. */
  async find(name: string): Promise<Digest | undefined> {
    const text = await readFile(this.#fileOf(name), "utf8").catch(() => "");
    const found = parseTag(text);
    return found?.name === name ? found.digest : undefined;
  }

  /** Remembers it. A cache that can't be written to is no reason for a build to fail. */
  async remember(name: string, digest: Digest): Promise<void> {
    const file = this.#fileOf(name);
    const temporary = `${file}.${randomBytes(6).toString("hex")}`;
    const tag: RememberedTag = { name, digest };
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, `${JSON.stringify(tag)}\n`);
      await rename(temporary, file);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #fileOf(name: string): string {
    return join(this.folder, createHash("sha256").update(name).digest("hex"));
  }
}

/** A tag from the text of its file; undefined for one that is damaged. */
export function parseTag(text: string): RememberedTag | undefined {
  try {
    const { name, digest } = JSON.parse(text) as Record<string, unknown>;
    return typeof name === "string" && isDigest(digest) ? { name, digest } : undefined;
  } catch {
    return undefined;
  }
}
