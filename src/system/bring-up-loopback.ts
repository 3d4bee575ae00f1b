import { createRequire } from "node:module";

// For hosts that have neither ip nor ifconfig (netdevice(7)). struct ifreq: the device's name in 16 bytes, then its flags in
// two; SIOCGIFFLAGS is 0x8913, SIOCSIFFLAGS 0x8914, IFF_UP 1.
const program = `
const libc = require(process.argv[1]).load(null);
const ioctl = libc.func("int ioctl(int, uint64_t, ...)");
const request = Buffer.alloc(40);
request.write("lo");
const socket = libc.func("int socket(int, int, int)")(2, 2, 0);
let failed = socket < 0 || ioctl(socket, 0x8913, "void *", request) < 0;
request.writeUInt16LE(request.readUInt16LE(16) | 1, 16);
failed ||= ioctl(socket, 0x8914, "void *", request) < 0;
process.exitCode = failed ? 1 : 0;
`.trim();

/** The argument list that brings up the loopback of the network namespace in which it runs. */
export function loopbackCommand(): [node: string, option: string, program: string, koffi: string] {
  return [process.execPath, "-e", program, createRequire(import.meta.url).resolve("koffi")];
}
