// Numbers from the kernel's tables (arch/*/entry/syscalls/*.tbl, include/uapi/asm-generic/unistd.h), and the names of
// architectures from include/uapi/linux/audit.h.

/** Calls that are looked into one by one where somebody stands for the kernel (`fake-root/`). */
export const supervisedCalls = [
  // Who owns a file.
  "chown",
  "lchown",
  "fchown",
  "fchownat",
  // Who a process is.
  "setuid",
  "setgid",
  "setreuid",
  "setregid",
  "setgroups",
  "setresuid",
  "setresgid",
  "setfsuid",
  "setfsgid",
  "getuid",
  "getgid",
  "geteuid",
  "getegid",
  "getgroups",
  "getresuid",
  "getresgid",
  "execve",
  "execveat",
  // What a file looks like.
  "stat",
  "lstat",
  "fstat",
  "newfstatat",
  "statx",
  // New files.
  "creat",
  "open",
  "openat",
  "mkdir",
  "mkdirat",
  "symlink",
  "symlinkat",
  "mknod",
  "mknodat",
  // What a path means.
  "chroot",
  "pivot_root",
  "unshare",
  "setns",
] as const;

export type SupervisedCall = (typeof supervisedCalls)[number];

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
  /** capset, which nobody has to be asked about. */
  readonly capset: number;
  /** statx openat2 faccessat2 clone3 fchmodat2 execveat: programs do without. */
  readonly newer: readonly number[];
  /** What there is of the supervised calls; none for architectures whose structures nobody here knows. */
  readonly supervised: Readonly<Partial<Record<SupervisedCall, number>>>;
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
  capset: 126,
  newer: [332, 437, 439, 435, 452, 322],
  supervised: {
    stat: 4,
    fstat: 5,
    lstat: 6,
    newfstatat: 262,
    statx: 332,
    open: 2,
    openat: 257,
    creat: 85,
    mkdir: 83,
    mkdirat: 258,
    symlink: 88,
    symlinkat: 266,
    mknod: 133,
    mknodat: 259,
    chown: 92,
    fchown: 93,
    lchown: 94,
    fchownat: 260,
    setuid: 105,
    setgid: 106,
    setreuid: 113,
    setregid: 114,
    setgroups: 116,
    setresuid: 117,
    setresgid: 119,
    setfsuid: 122,
    setfsgid: 123,
    getuid: 102,
    getgid: 104,
    geteuid: 107,
    getegid: 108,
    getgroups: 115,
    getresuid: 118,
    getresgid: 120,
    execve: 59,
    execveat: 322,
    chroot: 161,
    pivot_root: 155,
    unshare: 272,
    setns: 308,
  },
};

export const i386: SystemCallTable = {
  name: "i386",
  audit: 0x4000_0003,
  privileged: [...privileged32, 298],
  mknod: 14,
  mknodat: 297,
  capset: 185,
  newer: [383, 437, 439, 435, 452, 358],
  supervised: {},
};

export const aarch64: SystemCallTable = {
  name: "aarch64",
  audit: 0xc000_00b7,
  privileged: [55, 54, 146, 144, 145, 143, 159, 147, 149, 151, 152, 91],
  mknod: undefined,
  mknodat: 33,
  capset: 91,
  newer: [291, 437, 439, 435, 452, 281],
  supervised: {
    fstat: 80,
    newfstatat: 79,
    statx: 291,
    openat: 56,
    mkdirat: 34,
    symlinkat: 36,
    mknodat: 33,
    fchown: 55,
    fchownat: 54,
    setuid: 146,
    setgid: 144,
    setreuid: 145,
    setregid: 143,
    setgroups: 159,
    setresuid: 147,
    setresgid: 149,
    setfsuid: 151,
    setfsgid: 152,
    getuid: 174,
    getgid: 176,
    geteuid: 175,
    getegid: 177,
    getgroups: 158,
    getresuid: 148,
    getresgid: 150,
    execve: 221,
    execveat: 281,
    chroot: 51,
    pivot_root: 41,
    unshare: 97,
    setns: 268,
  },
};

export const arm: SystemCallTable = {
  name: "arm",
  audit: 0x4000_0028,
  privileged: [...privileged32, 325],
  mknod: 14,
  mknodat: 324,
  capset: 185,
  newer: [397, 437, 439, 435, 452, 387],
  supervised: {},
};

/** Every table: which one counts is decided by the process that makes a call, a 32-bit one on 64 bits too. */
export const systemCallTables: readonly SystemCallTable[] = [x86_64, i386, aarch64, arm];

/** `O_CREAT`, the same number on all of these. */
export const createFlag = 0o100;
