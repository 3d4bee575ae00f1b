/** Two digits for each architecture, in the words of Go. */
const codes: Readonly<Record<string, string>> = {
  "386": "01",
  amd64: "02",
  arm: "03",
  arm64: "04",
  ppc64: "05",
  ppc64le: "06",
  mips: "07",
  mipsle: "08",
  mips64: "09",
  mips64le: "10",
  s390x: "11",
  riscv64: "12",
  loong64: "13",
};

/** How many there are: they are numbered from 1 on. */
export const architectureCodes = Object.keys(codes).length;

const names = new Map(Object.entries(codes).map(([name, code]) => [code, name]));

/** The three bytes that stand for an architecture; those of "unknown" for one that the format has no code for. */
export function encodeArchitecture(name: string): Buffer {
  const code = Object.hasOwn(codes, name) ? codes[name] : undefined;
  return Buffer.from(`${code ?? "00"}\0`, "latin1");
}

/** The architecture that three bytes stand for, or undefined. Old tools wrote others than they should have. */
export function decodeArchitecture(bytes: Uint8Array): string | undefined {
  return names.get(Buffer.from(bytes.subarray(0, 2)).toString("latin1"));
}
