// Builds ELF files that have just what the dynamic linker reads.

export interface ElfFields {
  readonly bits?: 32 | 64;
  readonly isLittleEndian?: boolean;
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly rpath?: string;
  readonly runpath?: string;
  readonly flags1?: number;
  /** What the file says of its texts' size; right if not given. */
  readonly textBytes?: number;
}

const loadAddress = 0x400000;

/** An ELF file: header, three program headers, loader's name, texts, dynamic section. */
export function elfFile(fields: ElfFields = {}): Buffer {
  const { bits = 64, isLittleEndian = true, machine = 62 } = fields;
  const word = bits / 8;
  const put = (bytes: Buffer, at: number, value: number, length: number) => {
    for (let index = 0; index < length; index++) {
      const place = isLittleEndian ? at + index : at + length - 1 - index;
      bytes[place] = Math.floor(value / 256 ** index) % 256;
    }
  };
  const headerBytes = bits === 64 ? 64 : 52;
  const programHeaderBytes = bits === 64 ? 56 : 32;
  const interpreterAt = headerBytes + 3 * programHeaderBytes;
  const interpreter = Buffer.from(`${fields.interpreter ?? ""}\0`, "latin1");
  const textsAt = interpreterAt + interpreter.length;

  let texts = "\0";
  const text = (value: string) => {
    const at = texts.length;
    texts += `${value}\0`;
    return at;
  };
  const dynamic: [number, number][] = (fields.needed ?? []).map((name) => [1, text(name)]);
  for (const [tag, value] of [
    [14, fields.soname],
    [15, fields.rpath],
    [29, fields.runpath],
  ] as const) {
    if (value !== undefined) dynamic.push([tag, text(value)]);
  }
  dynamic.push([5, loadAddress + textsAt], [10, fields.textBytes ?? texts.length]);
  if (fields.flags1 !== undefined) dynamic.push([0x6ffffffb, fields.flags1]);
  dynamic.push([0, 0]);
  const dynamicAt = textsAt + texts.length;
  const size = dynamicAt + dynamic.length * 2 * word;

  const bytes = Buffer.alloc(size);
  bytes.write("\x7fELF", "latin1");
  bytes[4] = bits / 32;
  bytes[5] = isLittleEndian ? 1 : 2;
  bytes[6] = 1;
  put(bytes, 16, 3, 2);
  put(bytes, 18, machine, 2);
  put(bytes, bits === 64 ? 32 : 28, headerBytes, word);
  put(bytes, bits === 64 ? 54 : 42, programHeaderBytes, 2);
  put(bytes, bits === 64 ? 56 : 44, 3, 2);
  const segments = [
    [1, 0, size],
    [fields.interpreter === undefined ? 4 : 3, interpreterAt, interpreter.length],
    [2, dynamicAt, size - dynamicAt],
  ] as const;
  for (const [index, [type, offset, length]] of segments.entries()) {
    const at = headerBytes + index * programHeaderBytes;
    put(bytes, at, type, 4);
    put(bytes, at + (bits === 64 ? 8 : 4), offset, word);
    put(bytes, at + (bits === 64 ? 16 : 8), loadAddress + offset, word);
    put(bytes, at + (bits === 64 ? 32 : 16), length, word);
  }
  bytes.write(interpreter.toString("latin1"), interpreterAt, "latin1");
  bytes.write(texts, textsAt, "latin1");
  for (const [index, [tag, value]] of dynamic.entries()) {
    put(bytes, dynamicAt + index * 2 * word, tag, word);
    put(bytes, dynamicAt + index * 2 * word + word, value, word);
  }
  return bytes;
}
