// What the numbers in descriptors are called, in the words of siftool and `apptainer sif`.

import { partitionInfo, type SifObject } from "./descriptor.ts";
import { objectTypes } from "./format.ts";

const types: Readonly<Record<number, string>> = {
  [objectTypes.definition]: "Def.FILE",
  [objectTypes.environment]: "Env.Vars",
  [objectTypes.labels]: "JSON.Labels",
  [objectTypes.partition]: "FS",
  [objectTypes.signature]: "Signature",
  [objectTypes.json]: "JSON.Generic",
  [objectTypes.generic]: "Generic/Raw",
  [objectTypes.cryptographicMessage]: "Cryptographic Message",
  [objectTypes.sbom]: "SBOM",
  [objectTypes.ociRootIndex]: "OCI.RootIndex",
  [objectTypes.ociBlob]: "OCI.Blob",
};

const fileSystems = [
  "",
  "Squashfs",
  "Ext3",
  "Archive",
  "Raw",
  "Encrypted squashfs",
  "Gocryptfs squashfs",
];
const partitions = ["", "System", "*System", "Data", "Overlay"];
const hashes = ["", "SHA-256", "SHA-384", "SHA-512", "BLAKE2s-256", "BLAKE2b-256"];
const messageFormats = ["", "OpenPGP", "PEM"];
const messageTypes: Readonly<Record<number, string>> = {
  0x100: "Clear Signature",
  0x200: "RSA-OAEP",
};
/** The formats of a software bill of materials, each at its number. */
export const sbomFormats = [
  "",
  "cyclonedx-json",
  "cyclonedx-xml",
  "github-json",
  "spdx-json",
  "spdx-rdf",
  "spdx-tag-value",
  "spdx-yaml",
  "syft-json",
];

const unknown = "Unknown";
const nameIn = (names: readonly string[], number: number) => names[number] || unknown;

/** `Def.FILE`, `FS`, … */
export function typeName(type: number): string {
  return types[type] ?? unknown;
}

/** What an object says beside what all say, as pairs of label and value. */
export function ownFields(object: SifObject): [label: string, value: string][] {
  const { type, extra } = object;
  const partition = partitionInfo(object);
  if (partition !== undefined) {
    return [
      ["Filesystem Type", nameIn(fileSystems, partition.fileSystem)],
      ["Partition Type", nameIn(partitions, partition.kind)],
      ["Architecture", partition.architecture ?? "unknown"],
    ];
  }
  const number = extra.readInt32LE(0);
  if (type === objectTypes.signature) {
    const fingerprint = extra.subarray(4, 24);
    const entity: [string, string] = ["Entity", fingerprint.toString("hex").toUpperCase()];
    return [["Hash Type", nameIn(hashes, number)], ...(fingerprint.some(Boolean) ? [entity] : [])];
  }
  if (type === objectTypes.cryptographicMessage) {
    return [
      ["Format Type", nameIn(messageFormats, number)],
      ["Message Type", messageTypes[extra.readInt32LE(4)] ?? unknown],
    ];
  }
  if (type === objectTypes.sbom) return [["Format", nameIn(sbomFormats, number)]];
  return [];
}
