// Numbers from the kernel's tables (arch/*/entry/syscalls/*.tbl, include/uapi/asm-generic/unistd.h), and the names of
// architectures from include/uapi/linux/audit.h.

export interface SystemCallTable {
  readonly name: string;
  /** AUDIT_ARCH_*. */
  readonly audit: number;
  /** Numbers with this bit belong to another table. */
  readonly foreignFrom?: number;
  /** Calls that change an owner, an identity or the capabilities, and have no result but success. */
  readonly privileged: readonly number[];
  /** mknod(path, mode, dev). */
  readonly mknod: number | undefined;
  /** mknodat(folder, path, mode, dev). */
  readonly mknodat: number;
}

/** chown, lchown, fchown, setuid, setgid, setreuid … of the 32-bit tables: 16-bit ids, then 32-bit ids. */
const privileged32 = [
  182, 95, 16, 212, 207, 198, 23, 46, 70, 71, 213, 214, 203, 204, 81, 164, 170, 206, 208, 210, 138,
  139, 215, 216, 185,
];

export const x86_64: SystemCallTable = {
  name: "x86_64",
  audit: 0xc000_003e,
  foreignFrom: 0x4000_0000,
  // chown fchown lchown fchownat | setuid setgid setreuid setregid | setgroups setresuid setresgid | setfsuid setfsgid
  // | capset
  privileged: [92, 93, 94, 260, 105, 106, 113, 114, 116, 117, 119, 122, 123, 126],
  mknod: 133,
  mknodat: 259,
};

export const i386: SystemCallTable = {
  name: "i386",
  audit: 0x4000_0003,
  privileged: [...privileged32, 298],
  mknod: 14,
  mknodat: 297,
};

export const aarch64: SystemCallTable = {
  name: "aarch64",
  audit: 0xc000_00b7,
  privileged: [55, 54, 146, 144, 145, 143, 159, 147, 149, 151, 152, 91],
  mknod: undefined,
  mknodat: 33,
};

export const arm: SystemCallTable = {
  name: "arm",
  audit: 0x4000_0028,
  privileged: [...privileged32, 325],
  mknod: 14,
  mknodat: 324,
};

/** Every table: which one counts is decided by the process that makes a call, a 32-bit one on 64 bits too. */
export const systemCallTables: readonly SystemCallTable[] = [x86_64, i386, aarch64, arm];
