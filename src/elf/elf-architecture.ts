import { isElf } from "./elf-file.ts";

/** `e_machine` → the architecture in Go's words: 32 bit little and big endian, 64 bit little and big endian. */
const byMachine: Readonly<Record<number, readonly (string | undefined)[]>> = {
  3: ["386", undefined, undefined, undefined],
  8: ["mipsle", "mips", "mips64le", "mips64"],
  20: [undefined, "ppc", undefined, undefined],
  21: [undefined, undefined, "ppc64le", "ppc64"],
  22: [undefined, "s390", undefined, "s390x"],
  40: ["arm", "armbe", undefined, undefined],
  43: [undefined, undefined, undefined, "sparc64"],
  62: [undefined, undefined, "amd64", undefined],
  183: [undefined, undefined, "arm64", "arm64be"],
  243: ["riscv", undefined, "riscv64", undefined],
  258: [undefined, undefined, "loong64", undefined],
};

/**
 * The architecture that an ELF program is for, in the words that images use (Go's `GOARCH`).
 * @param start the beginning of the file, 20 bytes or more
 * @returns undefined for what is no ELF file or of an architecture that images have no word for (x32 among them)
 */
export function elfArchitecture(start: Uint8Array): string | undefined {
  if (!isElf(start) || start.length < 20) return undefined;
  const [bits, order] = [start[4], start[5]];
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) return undefined;
  const [low = 0, high = 0] = order === 1 ? [start[18], start[19]] : [start[19], start[18]];
  return byMachine[low + 256 * high]?.[2 * (bits - 1) + (order - 1)];
}
