// A program of our own that loads a filter and becomes another program: `loader PROGRAM ARGUMENT…`, with an absolute
// PROGRAM. Distributions of today have nothing else that does it (setpriv can from util-linux 2.41 on), and nothing at
// all that hands the filter's listener over.
//
//   offset   0  ELF header (64 bytes)
//           64  one program header (56 bytes): everything, readable and executable, at 0x400000
//          120  struct sock_fprog: u16 count | 6 bytes of padding | u64 address of the filter
//          136  u32 flags to load the filter with | u32 flags where the kernel doesn't know those
//          144  code
//        …      the filter
//
// Layout: System V gABI, ELF-64.

import { loaderCodes } from "./loader-code.ts";

const base = 0x40_0000n;
const programOffset = 120;
const flagsOffset = 136;
const codeOffset = 144;

/** Exit statuses of the loader itself. */
export const loaderStatus = { noFilter: 123, noProgram: 127 } as const;

// include/uapi/linux/seccomp.h
const newListener = 1 << 3; // SECCOMP_FILTER_FLAG_NEW_LISTENER
const speculationAllowed = 1 << 2; // …_SPEC_ALLOW: without it, kernels before 5.16 slow the program down
const onlyDeathInterrupts = 1 << 5; // …_WAIT_KILLABLE_RECV, from Linux 5.19 on

/**
 * The bytes of an executable file that loads the filter.
 * @param listens hand the filter's listener over by the socket `listenerDescriptor`
 * @returns undefined for an architecture that there is no code for
 */
export function loaderElf(
  filter: Uint8Array,
  architecture: string,
  listens: boolean,
): Buffer | undefined {
  const code = loaderCodes[architecture];
  if (code === undefined) return undefined;
  const filterOffset = (codeOffset + code.bytes.length + 7) & ~7;
  const sizeBytes = filterOffset + filter.length;

  const bytes = Buffer.alloc(sizeBytes);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0); // ELF, 64 bits, little-endian, version 1
  bytes.writeUInt16LE(2, 16); // e_type: executable
  bytes.writeUInt16LE(code.machine, 18); // e_machine
  bytes.writeUInt32LE(1, 20); // e_version
  bytes.writeBigUInt64LE(base + BigInt(codeOffset), 24); // e_entry
  bytes.writeBigUInt64LE(64n, 32); // e_phoff
  bytes.writeUInt16LE(64, 52); // e_ehsize
  bytes.writeUInt16LE(56, 54); // e_phentsize
  bytes.writeUInt16LE(1, 56); // e_phnum
  bytes.writeUInt32LE(1, 64); // p_type: load
  bytes.writeUInt32LE(5, 68); // p_flags: read, execute
  bytes.writeBigUInt64LE(base, 80); // p_vaddr
  bytes.writeBigUInt64LE(base, 88); // p_paddr
  bytes.writeBigUInt64LE(BigInt(sizeBytes), 96); // p_filesz
  bytes.writeBigUInt64LE(BigInt(sizeBytes), 104); // p_memsz
  bytes.writeBigUInt64LE(0x1_0000n, 112); // p_align: no page is bigger
  bytes.writeUInt16LE(filter.length / 8, programOffset);
  bytes.writeBigUInt64LE(base + BigInt(filterOffset), programOffset + 8);
  const least = listens ? newListener : 0;
  bytes.writeUInt32LE(
    least | speculationAllowed | (listens ? onlyDeathInterrupts : 0),
    flagsOffset,
  );
  bytes.writeUInt32LE(least, flagsOffset + 4);
  bytes.set(code.bytes, codeOffset);
  bytes.set(filter, filterOffset);
  return bytes;
}
