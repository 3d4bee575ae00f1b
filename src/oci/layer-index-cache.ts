// Indexes of layers kept between builds, so that a layer that was read once need not be decompressed to know what is in
// it. Below the cache folder:
//
//   layer-indexes-v1/<algorithm>/<hex of the blob>    zstd with a checksum, of JSON:
//   {"program": VERSION, "diffId": DIGEST, "compression": …, "uncompressedBytes": N, "entries": [ROW, …]}
//
// An index is believed only beside a blob whose digest was just checked. It holds for the version of tsbuild that wrote
// it: another one may read archives in a better way.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { digestParts, type Digest } from "../cache/digest.ts";
import type { LayerEntry } from "../model/layer-entry.ts";
import type { LayerIndex } from "./layer-index.ts";

/** One entry, its members in a fixed order; without the last ones where they are empty. */
type Row = [
  path: string,
  type: LayerEntry["type"],
  linkTarget: string,
  mode: number,
  uid: number,
  gid: number,
  mtimeSeconds: number,
  sizeBytes: number,
  dataOffset: number,
  storedBytes: number,
  major: number,
  minor: number,
  xattrs?: [name: string, base64: string][] | null,
  data?: [offset: number, lengthBytes: number][],
];

interface Kept {
  readonly program: string;
  readonly diffId: Digest;
  readonly compression: LayerIndex["compression"];
  readonly uncompressedBytes: number;
  readonly entries: readonly Row[];
}

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };

/** What one index may take in memory, as JSON. */
const maxIndexBytes = 512 * 1024 * 1024;

export class LayerIndexCache {
  readonly #folder: string;
  readonly #isFresh: boolean;

  /**
   * @param cacheFolder is made when the first index comes
   * @param options.isFresh use nothing that is there, but keep what comes (`--no-cache`)
   */
  constructor(cacheFolder: string, options: { readonly isFresh?: boolean | undefined } = {}) {
    this.#folder = join(cacheFolder, "layer-indexes-v1");
    this.#isFresh = options.isFresh === true;
  }

  /** The index of a blob whose archive has the digest `diffId`, if it is here; one that can't be used is not. */
  async find(digest: Digest, diffId: Digest): Promise<LayerIndex | undefined> {
    if (this.#isFresh) return undefined;
    try {
      const bytes = await readFile(this.#fileOf(digest));
      const text = await promisify(zstdDecompress)(bytes, { maxOutputLength: maxIndexBytes });
      const kept = JSON.parse(text.toString("utf8")) as Kept;
      if (kept.program !== version || kept.diffId !== diffId) return undefined;
      const { compression, uncompressedBytes } = kept;
      return { compression, uncompressedBytes, entries: kept.entries.map(entryOf) };
    } catch {
      // It is missing, damaged, or of another time: then the layer is read again, and the index with it.
      return undefined;
    }
  }

  /** Keeps an index. A cache that can't be written to is no reason for a build to fail. */
  async keep(digest: Digest, diffId: Digest, index: LayerIndex): Promise<void> {
    const file = this.#fileOf(digest);
    const temporary = `${file}.${randomBytes(6).toString("hex")}`;
    const { compression, uncompressedBytes } = index;
    const kept: Kept = {
      program: version,
      diffId,
      compression,
      uncompressedBytes,
      entries: index.entries.map(rowOf),
    };
    try {
      const bytes = await promisify(zstdCompress)(JSON.stringify(kept), {
        params: {
          [constants.ZSTD_c_compressionLevel]: 1,
          [constants.ZSTD_c_checksumFlag]: 1,
        },
      });
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(temporary, bytes);
      await rename(temporary, file);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #fileOf(digest: Digest): string {
    const { algorithm, hex } = digestParts(digest);
    return join(this.#folder, algorithm, hex);
  }
}

function rowOf(entry: LayerEntry): Row {
  const { path, type, linkTarget, mode, uid, gid, mtimeSeconds } = entry;
  const { sizeBytes, dataOffset, storedBytes, major, minor, xattrs, data } = entry;
  const row: Row = [
    ...([path, type, linkTarget, mode, uid, gid, mtimeSeconds] as const),
    ...([sizeBytes, dataOffset, storedBytes, major, minor] as const),
  ];
  if (xattrs !== undefined || data !== undefined) {
    row.push(
      xattrs === undefined
        ? null
        : [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("base64")]),
    );
  }
  if (data !== undefined) row.push(data.map(({ offset, lengthBytes }) => [offset, lengthBytes]));
  return row;
}

function entryOf(row: Row): LayerEntry {
  const [path, type, linkTarget, mode, uid, gid, mtimeSeconds] = row;
  const [, , , , , , , sizeBytes, dataOffset, storedBytes, major, minor, xattrs, data] = row;
  return {
    path,
    type,
    linkTarget,
    mode,
    uid,
    gid,
    mtimeSeconds,
    xattrs:
      xattrs === undefined || xattrs === null
        ? undefined
        : new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, "base64")])),
    sizeBytes,
    dataOffset,
    storedBytes,
    data: data?.map(([offset, lengthBytes]) => ({ offset, lengthBytes })),
    major,
    minor,
  };
}
