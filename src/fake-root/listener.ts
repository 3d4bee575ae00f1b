// The kernel's end of a filter with supervised calls (seccomp_unotify(2)): a call that waits, and its answer.
//
//   struct seccomp_notif        u64 id | u32 pid | u32 flags | s32 call | u32 architecture | u64 instruction | u64 argument × 6
//   struct seccomp_notif_resp   u64 id | s64 value | s32 error | u32 flags
//   struct seccomp_notif_addfd  u64 id | u32 flags | u32 descriptor | u32 new descriptor | u32 its flags

import { systemCallTables, type SupervisedCall } from "../isolation/system-call-numbers.ts";
import { cLibrary } from "../system/c-library.ts";
import { makeArea } from "./area.ts";

const receive = 0xc050_2100; // SECCOMP_IOCTL_NOTIF_RECV
const send = 0xc018_2101; // SECCOMP_IOCTL_NOTIF_SEND
const isValid = 0x4008_2102; // SECCOMP_IOCTL_NOTIF_ID_VALID
const addDescriptor = 0x4018_2103; // SECCOMP_IOCTL_NOTIF_ADDFD
const setFlags = 0x4008_2104; // SECCOMP_IOCTL_NOTIF_SET_FLAGS
const wakeUpHere = 1; // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
const goOn = 1; // SECCOMP_USER_NOTIF_FLAG_CONTINUE

/** Places in the request, in words of 32 bits. */
const at = { pid: 2, call: 4, architecture: 5, arguments: 8 };

/** No program's address has more bits, and a number holds no more of them exactly. */
const mostHighBits = 0x1f_ffff;

/** The upper half of an address without what a program may keep in its first byte (arm64's tagged addresses). */
const untagged = process.arch === "arm64" ? 0x00ff_ffff : 0xffff_ffff;

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
  readonly #request = makeArea(80);
  readonly #response = makeArea(24);
  readonly #ioctl: (descriptor: number, request: number, argument: number) => number;
  readonly #errno: () => number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    const { koffi, libc } = cLibrary();
    this.#ioctl = libc.func("ioctl", "int", ["int", "uint64_t", "uint64_t"]);
    this.#errno = () => koffi.errno();
    // Caller and answerer take turns, so they need no second processor. Linux before 6.6 doesn't know this.
    this.#ioctl(descriptor, setFlags, wakeUpHere);
  }

  /** Takes the next call; false when who made it is gone already. */
  receive(): boolean {
    this.#request.words.fill(0);
    return this.#ioctl(this.#descriptor, receive, this.#request.address) === 0;
  }

  /** The thread that waits, by our number. */
  get pid(): number {
    return this.#word(at.pid);
  }

  get call(): SupervisedCall | undefined {
    return names.get(this.#word(at.architecture))?.calls.get(this.#word(at.call));
  }

  /** The name of the table of system calls that it goes by. */
  get architecture(): string {
    return names.get(this.#word(at.architecture))?.name ?? "";
  }

  /** An argument that is an address; 0 for one that no program has. */
  address(index: number): number {
    const high = (this.#word(at.arguments + 2 * index + 1) & untagged) >>> 0;
    return high > mostHighBits ? 0 : high * 2 ** 32 + this.uint(index);
  }

  /** An argument that is a signed number: a file descriptor, flags. */
  int(index: number): number {
    return this.uint(index) | 0;
  }

  /** An argument that is an id or a mode. */
  uint(index: number): number {
    return this.#word(at.arguments + 2 * index);
  }

  #word(index: number): number {
    return this.#request.words[index] as number;
  }

  /** Whether it still waits: else its number may be somebody else's by now. */
  isWaiting(): boolean {
    // The request starts with its id.
    return this.#ioctl(this.#descriptor, isValid, this.#request.address) === 0;
  }

  /** Lets the kernel do it. */
  proceed(): void {
    this.#send(0, 0, goOn);
  }

  /** @param value what the call gives: an id, a count or a file descriptor */
  succeed(value = 0): void {
    this.#send(value, 0, 0);
  }

  fail(errno: number): void {
    this.#send(0, -errno, 0);
  }

  #send(value: number, error: number, flags: number): void {
    const { words } = this.#response;
    this.#putId();
    words[2] = value;
    words[3] = 0;
    words[4] = error;
    words[5] = flags;
    // It fails for who is gone, and nobody waits for that answer.
    this.#ioctl(this.#descriptor, send, this.#response.address);
  }

  /** Answers with an open file of ours, which becomes one of its own. */
  succeedWithFile(descriptor: number, closeOnExec: boolean): void {
    const { words } = this.#response;
    this.#putId();
    words[2] = 0;
    words[3] = descriptor;
    words[4] = 0;
    words[5] = closeOnExec ? 0o2_000_000 : 0;
    const made = this.#ioctl(this.#descriptor, addDescriptor, this.#response.address);
    if (made < 0) this.fail(this.#errno());
    else this.succeed(made);
  }

  #putId(): void {
    const { words } = this.#response;
    words[0] = this.#word(0);
    words[1] = this.#word(1);
  }
}
