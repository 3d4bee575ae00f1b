import test from "ava";
import type { FileNode } from "../../src/model/node.ts";
import { elfArchitecture } from "../../src/elf/elf-architecture.ts";
import { imageArchitecture } from "../../src/elf/image-architecture.ts";
import { file, link, tree } from "../helpers/tree.ts";

/** The beginning of a program for some machine. */
function program(machine: number, bits: 32 | 64 = 64, isLittle = true): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.write("\x7fELF", "latin1");
  bytes[4] = bits / 32;
  bytes[5] = isLittle ? 1 : 2;
  if (isLittle) bytes.writeUInt16LE(machine, 18);
  else bytes.writeUInt16BE(machine, 18);
  return bytes;
}

const executable = (bytes: Uint8Array | string) => file(bytes, { mode: 0o755 });
const read = async (node: FileNode) =>
  node.content.kind === "bytes" ? node.content.bytes : new Uint8Array();

test("machines are told in Go's words", (t) => {
  const told = [
    [elfArchitecture(program(62)), "amd64"],
    [elfArchitecture(program(3, 32)), "386"],
    [elfArchitecture(program(183)), "arm64"],
    [elfArchitecture(program(40, 32)), "arm"],
    [elfArchitecture(program(21)), "ppc64le"],
    [elfArchitecture(program(21, 64, false)), "ppc64"],
    [elfArchitecture(program(22, 64, false)), "s390x"],
    [elfArchitecture(program(243)), "riscv64"],
    [elfArchitecture(program(258)), "loong64"],
    [elfArchitecture(program(8, 32, false)), "mips"],
    [elfArchitecture(program(8, 64)), "mips64le"],
    // x32: the machine of amd64 with 32-bit pointers.
    [elfArchitecture(program(62, 32)), undefined],
    [elfArchitecture(program(9999)), undefined],
    [elfArchitecture(program(62).subarray(0, 19)), undefined],
    [elfArchitecture(Buffer.from("#!/bin/sh\n".repeat(10))), undefined],
    [elfArchitecture(new Uint8Array()), undefined],
  ];
  for (const [found, wanted] of told) t.is(found, wanted);
});

test("the image's architecture is its shell's, through symlinks of the tree", async (t) => {
  const image = tree({
    "aaa/other": executable(program(40, 32)),
    bin: link("usr/bin"),
    "usr/bin/sh": link("/usr/bin/dash"),
    "usr/bin/dash": executable(program(183)),
  });
  t.is(await imageArchitecture(image, read), "arm64");
});

test("without a shell it is the first program's", async (t) => {
  const image = tree({
    "bin/sh": link("sh"),
    "app/notes": file(program(3, 32)),
    "app/script": executable("#!/bin/sh\n".repeat(10)),
    "app/tiny": executable("x"),
    "app/zprogram": executable(program(62)),
  });
  t.is(await imageArchitecture(image, read), "amd64");
  t.is(await imageArchitecture(tree({}), read), undefined);
});

test("a shell that is a script is passed over", async (t) => {
  const image = tree({
    "bin/sh": executable("#!/bin/busybox sh\n".repeat(10)),
    "bin/busybox": executable(program(22, 64, false)),
  });
  t.is(await imageArchitecture(image, read), "s390x");
});

test("only so many files are looked into", async (t) => {
  const scripts = Array.from(
    { length: 100 },
    (_, index) => [`bin/s${index}`, executable("x".repeat(100))] as const,
  );
  let reads = 0;
  const counted = async (node: FileNode) => {
    reads++;
    return read(node);
  };
  const image = tree({ ...Object.fromEntries(scripts), "zz/prog": executable(program(62)) });
  t.is(await imageArchitecture(image, counted), undefined);
  t.is(reads, 40);
});
