// A filter for system calls (seccomp(2), classic BPF): the kernel runs it on every call of a script. These exist.
//
//   supervised   in a user namespace with a single id: what only a real root can do, and what would show that it wasn't
//                done, waits for an answer of ours (SECCOMP_RET_USER_NOTIF; `fake-root/` gives it)
//   fake-root    where nobody can answer: what only a real root can do (chown, setuid, setgroups …, device nodes) does
//                nothing and says that it worked, which is enough for dpkg, rpm, tar and useradd
//   witnessed    as fake-root, but who gives files away, makes devices or becomes another user waits until we have noted it
//   old-calls    around a program that follows paths by ptrace and knows no newer system calls: those don't exist
//   old-calls-witnessed  the same, and who gives files away or makes devices waits until we have noted it
//   beyond-ids   in a user namespace with many ids, where owners are real: only device nodes, and owners that are no
//                16-bit numbers and so seldom mapped, wait for an answer
//   no-devices   the same where nobody can answer: making device nodes does nothing
//
// An instruction is 8 bytes, little-endian:  u16 code | u8 jump if true | u8 jump if false | u32 k
// The filter is one block for each architecture:
//
//   load arch; is it this one? else to the next block
//   load number; one of the privileged calls? → fake; mknod, mknodat? → look at the mode and device; else → allow
//
// The supervised filter has blocks of that kind for 32-bit programs, and for the others:
//
//   load number; one of the supervised calls? → ask; open, openat? → ask if the flags have O_CREAT; capset? → fake

import {
  createFlag,
  supervisedCalls,
  systemCallTables,
  type SupervisedCall,
  type SystemCallTable,
} from "./system-call-numbers.ts";

export type FilterKind =
  | "supervised"
  | "fake-root"
  | "witnessed"
  | "beyond-ids"
  | "no-devices"
  | "old-calls"
  | "old-calls-witnessed";

/** Those whose listener somebody has to hear. */
export const isHeard = (kind: FilterKind): boolean =>
  ["supervised", "beyond-ids", "witnessed", "old-calls-witnessed"].includes(kind);

const ownerCalls = ["chown", "lchown", "fchown", "fchownat"] as const;
const identityCalls = ["setuid", "setreuid", "setresuid", "setfsuid"] as const;

const code = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  ifEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  ifAtLeast: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  ifAnyBit: 0x45, // BPF_JMP | BPF_JSET | BPF_K
  result: 0x06, // BPF_RET | BPF_K
};

/** SECCOMP_RET_ALLOW. */
const allow = 0x7fff_0000;
/** SECCOMP_RET_ERRNO with errno 0: the call is not made, and its result is 0. */
const fake = 0x0005_0000;
/** SECCOMP_RET_ERRNO with ENOSYS. */
const missing = 0x0005_0000 | 38;
/** SECCOMP_RET_USER_NOTIF. */
const ask = 0x7fc0_0000;

// struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]. The low half of an argument comes first.
const numberOffset = 0;
const archOffset = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

const fileTypeMask = 0o170000;
const characterDevice = 0o020000;
const blockDevice = 0o060000;

type Label =
  | "allow"
  | "ask"
  | "fake"
  | "ids-first"
  | "ids-first-group"
  | "ids-second"
  | "ids-second-group"
  | "missing"
  | "mknod"
  | "mknodat"
  | "open"
  | "openat"
  | "next";

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Where to go; the following instruction where it is not given. */
  readonly ifTrue?: Label;
  readonly ifFalse?: Label;
  /** The name of this place. */
  readonly label?: Label;
}

/** The filter's bytes, for the architectures of `systemCallTables`; of others nothing is changed. */
export function seccompFilter(kind: FilterKind): Buffer {
  const blocks = systemCallTables.map((table) => encode(blockOf(table, kind)));
  return Buffer.concat([...blocks, encode([{ code: code.result, k: allow }])]);
}

function blockOf(table: SystemCallTable, kind: FilterKind): Instruction[] {
  if (kind === "old-calls" || !hasSupervised(table)) {
    if (kind.startsWith("old-calls")) return oldCallsBlock(table, []);
  } else if (kind === "old-calls-witnessed")
    return oldCallsBlock(table, numbersOf(table, ownerCalls));
  else if (kind === "witnessed") return witnessedBlock(table);
  if (kind === "beyond-ids" && hasSupervised(table)) return beyondIdsBlock(table);
  const isSupervised = kind === "supervised" && hasSupervised(table);
  return isSupervised ? supervisedBlock(table) : block(table, kind);
}

const hasSupervised = ({ supervised }: SystemCallTable): boolean =>
  Object.keys(supervised).length > 0;

const numbersOf = ({ supervised }: SystemCallTable, names: readonly SupervisedCall[]): number[] =>
  names.map((name) => supervised[name]).filter((number) => number !== undefined);

function witnessedBlock(table: SystemCallTable): Instruction[] {
  const { privileged, mknod, mknodat } = table;
  const asked = numbersOf(table, [...ownerCalls, ...identityCalls]);
  return [
    ...blockStart(table),
    ...asked.map((k) => ({ code: code.ifEqual, k, ifTrue: "ask" as const })),
    ...privileged
      .filter((k) => !asked.includes(k))
      .map((k) => ({ code: code.ifEqual, k, ifTrue: "fake" as const })),
    ...nodeTests(mknod, mknodat),
    { code: code.result, k: allow, label: "allow" },
    { code: code.result, k: fake, label: "fake" },
    { code: code.result, k: ask, label: "ask" },
  ];
}

function beyondIdsBlock(table: SystemCallTable): Instruction[] {
  const { supervised, mknod, mknodat } = table;
  const owners = ownerCalls.flatMap((name) => {
    const k = supervised[name];
    return k === undefined ? [] : [{ name, k }];
  });
  return [
    ...blockStart(table),
    ...owners.map(({ name, k }) => ({
      code: code.ifEqual,
      k,
      ifTrue: name === "fchownat" ? ("ids-second" as const) : ("ids-first" as const),
    })),
    ...(mknod === undefined ? [] : [{ code: code.ifEqual, k: mknod, ifTrue: "mknod" as const }]),
    { code: code.ifEqual, k: mknodat, ifTrue: "mknodat", ifFalse: "allow" },
    ...idTest("ids-first", 1),
    ...idTest("ids-second", 2),
    ...(mknod === undefined ? [] : deviceTest("mknod", 1, "ask")),
    ...deviceTest("mknodat", 2, "ask"),
    { code: code.result, k: allow, label: "allow" },
    { code: code.result, k: ask, label: "ask" },
  ];
}

/** Asks about an owner or a group from 65536 on; -1 says that it stays. */
function idTest(label: "ids-first" | "ids-second", argument: number): Instruction[] {
  return [
    { code: code.load, k: argumentOffset(argument), label },
    { code: code.ifEqual, k: 0xffff_ffff, ifTrue: `${label}-group` },
    { code: code.ifAtLeast, k: 0x1_0000, ifTrue: "ask" },
    { code: code.load, k: argumentOffset(argument + 1), label: `${label}-group` },
    { code: code.ifEqual, k: 0xffff_ffff, ifTrue: "allow" },
    { code: code.ifAtLeast, k: 0x1_0000, ifTrue: "ask", ifFalse: "allow" },
  ];
}

/** @param asked calls that wait for an answer, and device nodes with them, if there are any */
function oldCallsBlock(table: SystemCallTable, asked: readonly number[]): Instruction[] {
  const { newer, mknod, mknodat } = table;
  return [
    ...blockStart(table),
    ...newer.map((k) => ({ code: code.ifEqual, k, ifTrue: "missing" as const })),
    ...asked.map((k) => ({ code: code.ifEqual, k, ifTrue: "ask" as const })),
    ...(asked.length === 0 ? [] : nodeTests(mknod, mknodat)),
    { code: code.result, k: allow, label: "allow" },
    { code: code.result, k: missing, label: "missing" },
    ...(asked.length === 0 ? [] : [{ code: code.result, k: ask, label: "ask" as const }]),
  ];
}

/** Asks about device nodes. */
function nodeTests(mknod: number | undefined, mknodat: number): Instruction[] {
  return [
    ...(mknod === undefined ? [] : [{ code: code.ifEqual, k: mknod, ifTrue: "mknod" as const }]),
    { code: code.ifEqual, k: mknodat, ifTrue: "mknodat", ifFalse: "allow" },
    ...(mknod === undefined ? [] : deviceTest("mknod", 1, "ask")),
    ...deviceTest("mknodat", 2, "ask"),
  ];
}

function block(table: SystemCallTable, kind: FilterKind): Instruction[] {
  const { privileged, mknod, mknodat } = table;
  const faked = kind === "no-devices" || kind === "beyond-ids" ? [] : privileged;
  return [
    ...blockStart(table),
    ...faked.map((k) => ({ code: code.ifEqual, k, ifTrue: "fake" as const })),
    ...(mknod === undefined ? [] : [{ code: code.ifEqual, k: mknod, ifTrue: "mknod" as const }]),
    { code: code.ifEqual, k: mknodat, ifTrue: "mknodat", ifFalse: "allow" },
    ...(mknod === undefined ? [] : deviceTest("mknod", 1)),
    ...deviceTest("mknodat", 2),
    { code: code.result, k: allow, label: "allow" },
    { code: code.result, k: fake, label: "fake" },
  ];
}

function blockStart({ audit, foreignFrom }: SystemCallTable): Instruction[] {
  return [
    { code: code.load, k: archOffset },
    { code: code.ifEqual, k: audit, ifFalse: "next" },
    { code: code.load, k: numberOffset },
    ...(foreignFrom === undefined
      ? []
      : [{ code: code.ifAtLeast, k: foreignFrom, ifTrue: "allow" as const }]),
  ];
}

function supervisedBlock(table: SystemCallTable): Instruction[] {
  const { supervised, capset } = table;
  const { open, openat } = supervised;
  const asked = supervisedCalls
    .filter((name) => name !== "open" && name !== "openat")
    .map((name) => supervised[name])
    .filter((number) => number !== undefined);
  const opening: [label: "open" | "openat", k: number, flagsArgument: number][] = [
    ...(open === undefined ? [] : [["open", open, 1] as ["open", number, number]]),
    ...(openat === undefined ? [] : [["openat", openat, 2] as ["openat", number, number]]),
  ];
  return [
    ...blockStart(table),
    ...asked.map((k) => ({ code: code.ifEqual, k, ifTrue: "ask" as const })),
    ...opening.map(([label, k]) => ({ code: code.ifEqual, k, ifTrue: label })),
    { code: code.ifEqual, k: capset, ifTrue: "fake", ifFalse: "allow" },
    ...opening.flatMap(([label, , argument]): Instruction[] => [
      { code: code.load, k: argumentOffset(argument), label },
      { code: code.ifAnyBit, k: createFlag, ifTrue: "ask", ifFalse: "allow" },
    ]),
    { code: code.result, k: allow, label: "allow" },
    { code: code.result, k: fake, label: "fake" },
    { code: code.result, k: ask, label: "ask" },
  ];
}

/** A character device 0:0 is no device but the mark of a deleted file in an overlay, and may be made. */
function deviceTest(
  label: "mknod" | "mknodat",
  modeArgument: number,
  answer: "ask" | "fake" = "fake",
): Instruction[] {
  return [
    { code: code.load, k: argumentOffset(modeArgument), label },
    { code: code.and, k: fileTypeMask },
    { code: code.ifEqual, k: blockDevice, ifTrue: answer },
    { code: code.ifEqual, k: characterDevice, ifFalse: "allow" },
    { code: code.load, k: argumentOffset(modeArgument + 1) },
    { code: code.ifEqual, k: 0, ifTrue: "allow", ifFalse: answer },
  ];
}

function encode(instructions: readonly Instruction[]): Buffer {
  const places = new Map<Label, number>([["next", instructions.length]]);
  for (const [index, { label }] of instructions.entries()) {
    if (label !== undefined) places.set(label, index);
  }
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, { code, k, ifTrue, ifFalse }] of instructions.entries()) {
    const jump = (label: Label | undefined): number =>
      label === undefined ? 0 : (places.get(label) ?? 0) - index - 1;
    bytes.writeUInt16LE(code, index * 8);
    // Throws when a jump is negative or does not fit: such a filter is never written.
    bytes.writeUInt8(jump(ifTrue), index * 8 + 2);
    bytes.writeUInt8(jump(ifFalse), index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  }
  return bytes;
}
