import { createHash } from "node:crypto";
import { UsageError } from "../model/error.ts";
import type { AddedObject } from "../sif/add-object.ts";
import { architectureCodes } from "../sif/architecture.ts";
import { decodeLink } from "../sif/descriptor.ts";
import { fileSystems, objectTypes, partitionAlignment, partitionKinds } from "../sif/format.ts";
import { sbomFormats } from "../sif/object-names.ts";

/** The options of `tsbuild sif add`, with the names and numbers of siftool's. */
export interface SifObjectFlags {
  readonly datatype?: string;
  readonly parttype?: string;
  readonly partfs?: string;
  readonly partarch?: string;
  readonly signhash?: string;
  readonly signentity?: string;
  readonly sbomformat?: string;
  readonly groupid?: string;
  readonly link?: string;
  readonly alignment?: string;
  readonly filename?: string;
}

/**
 * What an object is, from the options that it was given with.
 * @param contents the bytes that it will hold: blobs of OCI are named after theirs
 * @throws {UsageError} `usage/sif-object`
 */
export async function readSifObjectFlags(
  flags: SifObjectFlags,
  contents: { readonly sizeBytes: number; readonly pieces: () => AsyncIterable<Uint8Array> },
): Promise<AddedObject> {
  const type = 0x4000 + number(flags, "datatype", 1, 11);
  const isPartition = type === objectTypes.partition;
  const group = optionalNumber(flags, "groupid", 0xffff_ffff) % 0x1000_0000;
  const alignment = optionalNumber(flags, "alignment", 2 ** 31 - 1);
  return {
    type,
    name: flags.filename ?? "",
    sizeBytes: contents.sizeBytes,
    group: group === 0 ? undefined : group,
    link: decodeLink(optionalNumber(flags, "link", 0xffff_ffff)),
    alignmentBytes:
      flags.alignment === undefined ? (isPartition ? partitionAlignment : 1) : alignment,
    extra: await extraOf(type, flags, contents.pieces),
  };
}

async function extraOf(
  type: number,
  flags: SifObjectFlags,
  pieces: () => AsyncIterable<Uint8Array>,
): Promise<Buffer> {
  if (type === objectTypes.partition) {
    const extra = Buffer.alloc(11);
    extra.writeInt32LE(number(flags, "partfs", 1, fileSystems.gocryptfsSquashfs), 0);
    extra.writeInt32LE(number(flags, "parttype", 1, partitionKinds.overlay), 4);
    const code = number(flags, "partarch", 1, architectureCodes);
    extra.write(String(code).padStart(2, "0"), 8, "latin1");
    return extra;
  }
  if (type === objectTypes.signature) {
    const fingerprint = flags.signentity ?? "";
    if (!/^[0-9a-f]{40}$/i.test(fingerprint)) {
      throw wrong(
        "--signentity is the fingerprint of the key that signs, 40 hexadecimal digits",
        "gpg --list-keys --with-colons shows fingerprints",
      );
    }
    const extra = Buffer.alloc(24);
    extra.writeInt32LE(number(flags, "signhash", 1, 5));
    extra.write(fingerprint, 4, "hex");
    return extra;
  }
  if (type === objectTypes.sbom) {
    const format = sbomFormats.indexOf(flags.sbomformat ?? "");
    if (format < 1) {
      throw wrong(
        `--sbomformat ${flags.sbomformat ?? "is missing; it"} must be one of ${sbomFormats.slice(1).join(", ")}`,
        "a bill of materials says itself, in its first lines, what it is",
      );
    }
    const extra = Buffer.alloc(4);
    extra.writeInt32LE(format);
    return extra;
  }
  if (type === objectTypes.ociRootIndex || type === objectTypes.ociBlob) {
    const hash = createHash("sha256");
    for await (const piece of pieces()) hash.update(piece);
    return Buffer.from(`sha256:${hash.digest("hex")}`, "latin1");
  }
  return Buffer.alloc(0);
}

function optionalNumber(flags: SifObjectFlags, name: keyof SifObjectFlags, most: number): number {
  return flags[name] === undefined ? 0 : number(flags, name, 0, most);
}

function number(
  flags: SifObjectFlags,
  name: keyof SifObjectFlags,
  least: number,
  most: number,
): number {
  const given = flags[name];
  const value = given !== undefined && /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wrong(
    `--${name} ${given === undefined ? "is missing; it is" : `is ${given}, not`} a number from ${least} to ${most}`,
    "tsbuild sif --help tells what the numbers stand for",
  );
}

function wrong(message: string, hint: string): UsageError {
  return new UsageError("usage/sif-object", message, { hint });
}
