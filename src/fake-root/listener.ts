// The kernel's end of a filter with supervised calls (seccomp_unotify(2)): a call that waits, and its answer.
//
//   struct seccomp_notif        u64 id | u32 pid | u32 flags | s32 call | u32 architecture | u64 instruction | u64 argument × 6
//   struct seccomp_notif_resp   u64 id | s64 value | s32 error | u32 flags
//   struct seccomp_notif_addfd  u64 id | u32 flags | u32 descriptor | u32 new descriptor | u32 its flags

import { systemCallTables, type SupervisedCall } from "../isolation/system-call-numbers.ts";
import { cLibrary } from "../system/c-library.ts";

const receive = 0xc050_2100; // SECCOMP_IOCTL_NOTIF_RECV
const send = 0xc018_2101; // SECCOMP_IOCTL_NOTIF_SEND
const isValid = 0x4008_2102; // SECCOMP_IOCTL_NOTIF_ID_VALID
const addDescriptor = 0x4018_2103; // SECCOMP_IOCTL_NOTIF_ADDFD
const setFlags = 0x4008_2104; // SECCOMP_IOCTL_NOTIF_SET_FLAGS
const wakeUpHere = 1n; // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
const goOn = 1; // SECCOMP_USER_NOTIF_FLAG_CONTINUE

const names = new Map(
  systemCallTables.map(({ name, audit, supervised }) => [
    audit,
    {
      name,
      calls: new Map(
        Object.entries(supervised).map(([call, number]) => [number, call as SupervisedCall]),
      ),
    },
  ]),
);

/** One call that waits for its answer. There is one at a time: the object is used again for the next. */
export class Listener {
  readonly #descriptor: number;
  readonly #request = Buffer.alloc(80);
  readonly #response = Buffer.alloc(24);
  readonly #valid = Buffer.alloc(8);
  readonly #ioctl: (descriptor: number, request: number, bytes: Buffer) => number;
  readonly #errno: () => number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    const { koffi, libc } = cLibrary();
    this.#ioctl = libc.func("ioctl", "int", ["int", "uint64_t", "void *"]);
    this.#errno = () => koffi.errno();
    // Caller and answerer take turns, so they need no second processor. Linux before 6.6 doesn't know this.
    const setFlag = libc.func("ioctl", "int", ["int", "uint64_t", "uint64_t"]) as (
      ...args: (number | bigint)[]
    ) => number;
    setFlag(descriptor, setFlags, wakeUpHere);
  }

  /** Takes the next call; false when who made it is gone already. */
  receive(): boolean {
    this.#request.fill(0);
    return this.#ioctl(this.#descriptor, receive, this.#request) === 0;
  }

  /** The thread that waits, by our number. */
  get pid(): number {
    return this.#request.readUInt32LE(8);
  }

  get call(): SupervisedCall | undefined {
    return names.get(this.#request.readUInt32LE(20))?.calls.get(this.#request.readInt32LE(16));
  }

  /** The name of the table of system calls that it goes by. */
  get architecture(): string {
    return names.get(this.#request.readUInt32LE(20))?.name ?? "";
  }

  /** An argument that is an address. */
  address(index: number): bigint {
    return this.#request.readBigUInt64LE(32 + 8 * index);
  }

  /** An argument that is a signed number: a file descriptor, flags. */
  int(index: number): number {
    return this.#request.readInt32LE(32 + 8 * index);
  }

  /** An argument that is an id or a mode. */
  uint(index: number): number {
    return this.#request.readUInt32LE(32 + 8 * index);
  }

  /** Whether it still waits: else its number may be somebody else's by now. */
  isWaiting(): boolean {
    this.#request.copy(this.#valid, 0, 0, 8);
    return this.#ioctl(this.#descriptor, isValid, this.#valid) === 0;
  }

  /** Lets the kernel do it. */
  proceed(): void {
    this.#send(0n, 0, goOn);
  }

  succeed(value: number | bigint = 0): void {
    this.#send(BigInt(value), 0, 0);
  }

  fail(errno: number): void {
    this.#send(0n, -errno, 0);
  }

  #send(value: bigint, error: number, flags: number): void {
    this.#request.copy(this.#response, 0, 0, 8);
    this.#response.writeBigInt64LE(value, 8);
    this.#response.writeInt32LE(error, 16);
    this.#response.writeUInt32LE(flags, 20);
    // It fails for who is gone, and nobody waits for that answer.
    this.#ioctl(this.#descriptor, send, this.#response);
  }

  /** Answers with an open file of ours, which becomes one of its own. */
  succeedWithFile(descriptor: number, closeOnExec: boolean): void {
    this.#request.copy(this.#response, 0, 0, 8);
    this.#response.writeUInt32LE(0, 8);
    this.#response.writeUInt32LE(descriptor, 12);
    this.#response.writeUInt32LE(0, 16);
    this.#response.writeUInt32LE(closeOnExec ? 0o2_000_000 : 0, 20);
    const made = this.#ioctl(this.#descriptor, addDescriptor, this.#response);
    if (made < 0) this.fail(this.#errno());
    else this.succeed(made);
  }
}
