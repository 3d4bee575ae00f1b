// A file descriptor that comes by a socket (cmsg(3), unix(7)):
//
//   struct msghdr   name | u32 | iov | u64 | control | u64 | s32 flags       56 bytes
//   struct iovec    base | u64
//   control         u64 length | s32 SOL_SOCKET | s32 SCM_RIGHTS | s32 descriptor | padding

import { cLibrary } from "../system/c-library.ts";

const closeOnExec = 0x4000_0000; // MSG_CMSG_CLOEXEC

/** Takes the descriptor; undefined when the other end was closed without sending one. Waits for either. */
export function receiveDescriptor(socket: number): number | undefined {
  const { koffi, libc } = cLibrary();
  const recvmsg = libc.func("recvmsg", "int64_t", ["int", "void *", "int"]);
  const text = Buffer.alloc(8);
  const vector = Buffer.alloc(16);
  const control = Buffer.alloc(24);
  const message = Buffer.alloc(56);
  vector.writeBigUInt64LE(koffi.address(text), 0);
  vector.writeBigUInt64LE(BigInt(text.length), 8);
  message.writeBigUInt64LE(koffi.address(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(koffi.address(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  const length = Number(recvmsg(socket, message, closeOnExec));
  const isDescriptor =
    length > 0 && message.readBigUInt64LE(40) >= 20n && control.readInt32LE(12) === 1;
  return isDescriptor ? control.readInt32LE(16) : undefined;
}
