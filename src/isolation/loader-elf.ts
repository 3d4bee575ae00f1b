// A program of our own for x86_64 that loads a filter and becomes another program: `loader PROGRAM ARGUMENT…`, with an
// absolute PROGRAM. Distributions of today have nothing else that does it (setpriv can from util-linux 2.41 on).
//
//   offset   0  ELF header (64 bytes)
//           64  one program header (56 bytes): everything, readable and executable, at 0x400000
//          120  code
//        …      struct sock_fprog: u16 count | 6 bytes of padding | u64 address of the filter
//        …      the filter
//
// Layout: System V gABI, ELF-64; calls: prctl(2), execve(2) and exit_group(2) by the x86-64 calling convention.

const base = 0x40_0000n;
const headerBytes = 64 + 56;

/** Exit statuses of the loader itself. */
export const loaderStatus = { noFilter: 123, noProgram: 127 } as const;

/** The bytes of an executable file that loads the filter. */
export function loaderElf(filter: Uint8Array): Buffer {
  const program = assemble(code);
  const fprogOffset = align8(headerBytes + program.length);
  const sizeBytes = fprogOffset + 16 + filter.length;

  const bytes = Buffer.alloc(sizeBytes);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0); // ELF, 64 bits, little-endian, version 1
  bytes.writeUInt16LE(2, 16); // e_type: executable
  bytes.writeUInt16LE(62, 18); // e_machine: x86-64
  bytes.writeUInt32LE(1, 20); // e_version
  bytes.writeBigUInt64LE(base + BigInt(headerBytes), 24); // e_entry
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
  bytes.writeBigUInt64LE(0x1000n, 112); // p_align
  bytes.set(program, headerBytes);
  bytes.writeUInt16LE(filter.length / 8, fprogOffset);
  bytes.writeBigUInt64LE(base + BigInt(fprogOffset + 16), fprogOffset + 8);
  bytes.set(filter, fprogOffset + 16);
  return bytes;
}

const align8 = (offset: number): number => (offset + 7) & ~7;

/** The code's length does not depend on where the filter is, so the second pass knows. */
function assemble(make: (fprogOffset: number) => number[]): Uint8Array {
  const { length } = make(0);
  return Uint8Array.from(make(align8(headerBytes + length)));
}

const int32 = (value: number): number[] => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return [...bytes];
};

const movEax = (value: number): number[] => [0xb8, ...int32(value)];
const movEdi = (value: number): number[] => [0xbf, ...int32(value)];
const movEsi = (value: number): number[] => [0xbe, ...int32(value)];
const systemCall = [0x0f, 0x05];
const exit = (status: number): number[] => [...movEdi(status), ...movEax(231), ...systemCall];

const jumpIfNotNegative = (over: number): number[] => [0x79, over];

function code(fprogOffset: number): number[] {
  /** prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog), for code that starts `at` bytes into the program. */
  const setFilter = (at: number): number[] => {
    const before = [...movEdi(22), ...movEsi(2)];
    const leaBytes = 7;
    const next = headerBytes + at + before.length + leaBytes;
    return [
      before,
      [0x48, 0x8d, 0x15, ...int32(fprogOffset - next)], // lea rdx, [rip + …]
      movEax(157),
      systemCall,
      [0x85, 0xc0], // test eax, eax
    ].flat();
  };
  // prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0): needed only by who has no CAP_SYS_ADMIN in the namespace.
  const noNewPrivileges = [
    movEdi(38),
    movEsi(1),
    [0x31, 0xd2, 0x4d, 0x31, 0xd2, 0x4d, 0x31, 0xc0], // xor edx, edx; xor r10, r10; xor r8, r8
    movEax(157),
    systemCall,
  ].flat();
  const give = exit(loaderStatus.noFilter);
  const run = [
    [0x48, 0x8b, 0x0c, 0x24], // mov rcx, [rsp]            argc
    [0x48, 0x8d, 0x74, 0x24, 0x10], // lea rsi, [rsp + 16]       argv + 1
    [0x48, 0x8b, 0x3e], // mov rdi, [rsi]            argv[1]
    [0x48, 0x8d, 0x54, 0xcc, 0x10], // lea rdx, [rsp + rcx*8 + 16]  envp
    movEax(59),
    systemCall,
    exit(loaderStatus.noProgram),
  ].flat();
  const jumpBytes = 2;
  const first = setFilter(0);
  const second = setFilter(first.length + jumpBytes + noNewPrivileges.length);
  const overAll = noNewPrivileges.length + second.length + jumpBytes + give.length;
  return [
    ...first,
    ...jumpIfNotNegative(overAll),
    ...noNewPrivileges,
    ...second,
    ...jumpIfNotNegative(give.length),
    ...give,
    ...run,
  ];
}
