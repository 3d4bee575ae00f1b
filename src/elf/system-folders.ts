import type { ByteString } from "../model/bytes-path.ts";
import type { ElfFile } from "./elf-file.ts";

/** Debian's multiarch names (wiki "Multiarch/Tuples"), by machine and class. */
const multiarch: Readonly<Record<string, readonly ByteString[]>> = {
  "3/32": ["i386-linux-gnu"],
  "8/64": ["mips64el-linux-gnuabi64", "mips64-linux-gnuabi64"],
  "21/64": ["powerpc64le-linux-gnu", "powerpc64-linux-gnu"],
  "22/64": ["s390x-linux-gnu"],
  "40/32": ["arm-linux-gnueabihf", "arm-linux-gnueabi"],
  "62/32": ["x86_64-linux-gnux32"],
  "62/64": ["x86_64-linux-gnu"],
  "183/64": ["aarch64-linux-gnu"],
  "243/64": ["riscv64-linux-gnu"],
  "258/64": ["loongarch64-linux-gnu"],
};

/** What the kernel calls the machine (`AT_PLATFORM`), which `$PLATFORM` stands for. */
const platforms: Readonly<Record<number, readonly ByteString[]>> = {
  3: ["i686"],
  22: ["z900"],
  40: ["v7l"],
  62: ["x86_64", "haswell"],
  183: ["aarch64"],
};

/** What `$LIB` can stand for: Debian's folders, Fedora's, everybody else's. */
export function libraryFolderNames({ machine, bits }: ElfFile): ByteString[] {
  const tuples = multiarch[`${machine}/${bits}`] ?? [];
  return [...tuples.map((tuple) => `lib/${tuple}`), ...(bits === 64 ? ["lib64"] : []), "lib"];
}

export function platformNames({ machine }: ElfFile): readonly ByteString[] {
  return platforms[machine] ?? [];
}

/** The folders that glibc's loader searches unasked; which of them is a matter of the distribution. */
export function defaultFolders(elf: ElfFile): ByteString[] {
  return libraryFolderNames(elf).flatMap((name) => [`/${name}`, `/usr/${name}`]);
}
