// The Singularity Image Format, version 01, as written by github.com/sylabs/sif and github.com/apptainer/sif.
//
//   0       header                128 bytes
//   128     zeros
//   4096    descriptors           48 slots of 585 bytes; a slot that is not used is all zeros
//   32176   objects               one after the other; a file system begins at a multiple of 4096
//
// All numbers are little-endian. Times are whole seconds since 1970, signed.

export const headerBytes = 128;
export const descriptorBytes = 585;
export const descriptorsOffset = 4096;
export const descriptorSlots = 48;
export const dataOffset = descriptorsOffset + descriptorSlots * descriptorBytes;
export const partitionAlignment = 4096;

export const magic = Buffer.from("SIF_MAGIC\0", "latin1");
export const version = Buffer.from("01\0", "latin1");

export const limits = { launchScriptBytes: 31, nameBytes: 128, extraBytes: 384 } as const;

/** What makes the kernel run an image that is executed directly. */
export const defaultLaunchScript = "#!/usr/bin/env run-singularity\n";

/** In a group number: that it is one. Alone, it says "no group". */
export const groupBits = 0xf000_0000;

export const objectTypes = {
  definition: 0x4001,
  environment: 0x4002,
  labels: 0x4003,
  partition: 0x4004,
  signature: 0x4005,
  json: 0x4006,
  generic: 0x4007,
  cryptographicMessage: 0x4008,
  sbom: 0x4009,
  ociRootIndex: 0x400a,
  ociBlob: 0x400b,
} as const;

export const fileSystems = {
  squashfs: 1,
  ext3: 2,
  archive: 3,
  raw: 4,
  encryptedSquashfs: 5,
  gocryptfsSquashfs: 6,
} as const;

export const partitionKinds = { system: 1, primary: 2, data: 3, overlay: 4 } as const;
