// A filter for system calls (seccomp(2), classic BPF): the kernel runs it on every call of a script. Two filters exist.
//
//   fake-root    in a user namespace with a single id: what only a real root can do (chown, setuid, setgroups …, device
//                nodes) does nothing and says that it worked, which is enough for dpkg, rpm, tar and useradd
//   no-devices   in a user namespace with many ids: only making device nodes does nothing; owners are real there
//
// An instruction is 8 bytes, little-endian:  u16 code | u8 jump if true | u8 jump if false | u32 k
// The filter is one block for each architecture:
//
//   load arch; is it this one? else to the next block
//   load number; one of the privileged calls? → fake; mknod, mknodat? → look at the mode and device; else → allow

import { systemCallTables, type SystemCallTable } from "./system-call-numbers.ts";

export type FilterKind = "fake-root" | "no-devices";

const code = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  ifEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  ifAtLeast: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  result: 0x06, // BPF_RET | BPF_K
};

/** SECCOMP_RET_ALLOW. */
const allow = 0x7fff_0000;
/** SECCOMP_RET_ERRNO with errno 0: the call is not made, and its result is 0. */
const fake = 0x0005_0000;

// struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]. The low half of an argument comes first.
const numberOffset = 0;
const archOffset = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

const fileTypeMask = 0o170000;
const characterDevice = 0o020000;
const blockDevice = 0o060000;

type Label = "allow" | "fake" | "mknod" | "mknodat" | "next";

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
  const blocks = systemCallTables.map((table) => encode(block(table, kind)));
  return Buffer.concat([...blocks, encode([{ code: code.result, k: allow }])]);
}

function block(table: SystemCallTable, kind: FilterKind): Instruction[] {
  const { privileged, mknod, mknodat, foreignFrom } = table;
  const faked = kind === "fake-root" ? privileged : [];
  return [
    { code: code.load, k: archOffset },
    { code: code.ifEqual, k: table.audit, ifFalse: "next" },
    { code: code.load, k: numberOffset },
    ...(foreignFrom === undefined
      ? []
      : [{ code: code.ifAtLeast, k: foreignFrom, ifTrue: "allow" as const }]),
    ...faked.map((k) => ({ code: code.ifEqual, k, ifTrue: "fake" as const })),
    ...(mknod === undefined ? [] : [{ code: code.ifEqual, k: mknod, ifTrue: "mknod" as const }]),
    { code: code.ifEqual, k: mknodat, ifTrue: "mknodat", ifFalse: "allow" },
    ...(mknod === undefined ? [] : deviceTest("mknod", 1)),
    ...deviceTest("mknodat", 2),
    { code: code.result, k: allow, label: "allow" },
    { code: code.result, k: fake, label: "fake" },
  ];
}

/** A character device 0:0 is no device but the mark of a deleted file in an overlay, and may be made. */
function deviceTest(label: "mknod" | "mknodat", modeArgument: number): Instruction[] {
  return [
    { code: code.load, k: argumentOffset(modeArgument), label },
    { code: code.and, k: fileTypeMask },
    { code: code.ifEqual, k: blockDevice, ifTrue: "fake" },
    { code: code.ifEqual, k: characterDevice, ifFalse: "allow" },
    { code: code.load, k: argumentOffset(modeArgument + 1) },
    { code: code.ifEqual, k: 0, ifTrue: "allow", ifFalse: "fake" },
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
