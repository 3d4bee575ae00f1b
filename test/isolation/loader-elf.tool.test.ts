import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { execa } from "execa";
import { loaderCodes } from "../../src/isolation/loader-code.ts";
import { loaderElf, loaderStatus } from "../../src/isolation/loader-elf.ts";
import { seccompFilter } from "../../src/isolation/seccomp-filter.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

const machines = { x64: "Advanced Micro Devices X86-64", arm64: "AArch64" } as const;
const disassemblers = {
  x64: ["objdump", "-M", "intel"],
  arm64: ["aarch64-linux-gnu-objdump"],
} as const;

/** The instructions of a raw binary, with numbers in one form. */
async function disassembled(architecture: keyof typeof machines, file: string): Promise<string[]> {
  const [program, ...options] = disassemblers[architecture];
  const machine = architecture === "x64" ? "i386:x86-64" : "aarch64";
  const raw = ["-D", "-b", "binary", "-m", machine, "--no-show-raw-insn", "--no-addresses"];
  const { stdout } = await execa(program, [...options, ...raw, file]);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("\t"))
    .map((line) => line.replace(/\s*\/\/.*/, "").trim());
}

for (const architecture of ["x64", "arm64"] as const) {
  toolTest(
    [disassemblers[architecture][0], "readelf"],
    `the loader for ${architecture} is an ELF program of instructions that binutils knows`,
    async (t) => {
      const folder = await scratch(t);
      const code = loaderCodes[architecture];
      const bytes = code?.bytes ?? Buffer.alloc(0);
      writeFileSync(join(folder, "code"), bytes);
      const instructions = await disassembled(architecture, join(folder, "code"));
      t.false(instructions.some((line) => /\(bad\)|undefined|\.inst|\.word/.test(line)));
      const calls = instructions.filter((line) => /^(syscall|svc)/.test(line));
      // seccomp, prctl, exit, sendmsg, close twice, execve, exit.
      t.is(calls.length, 8);

      const file = join(folder, "loader");
      writeFileSync(file, loaderElf(seccompFilter("supervised"), architecture, true) ?? "");
      const { stdout, stderr } = await execa("readelf", ["--file-header", "--segments", file]);
      t.is(stderr, "");
      t.regex(stdout, new RegExp(`Machine: +${machines[architecture]}\n`));
      t.regex(stdout, /LOAD +0x0{16} 0x0{10}400000/);
    },
  );
}

toolTest(["qemu-aarch64"], "the loader for arm64 makes its calls in order", async (t) => {
  const folder = await scratch(t);
  const file = join(folder, "loader");
  const bytes = loaderElf(seccompFilter("supervised"), "arm64", true) ?? Buffer.alloc(0);
  writeFileSync(file, bytes, { mode: 0o755 });
  // The emulator has no filters: the loader has to try all four ways, and say that none worked.
  const { status, stderr } = spawnSync("qemu-aarch64", ["-strace", file, "/bin/true"], {
    encoding: "utf8",
  });
  t.is(status, loaderStatus.noFilter);
  const calls = stderr
    .split("\n")
    .flatMap((line) => /^\d+ (\w+)\(([^)]*)\)/.exec(line)?.slice(1, 3).join(" ") ?? []);
  t.is(calls.length, 6, stderr);
  for (const [index, flags] of [44, 8, undefined, 44, 8].entries()) {
    if (flags === undefined)
      t.regex(calls[index] ?? "", /^prctl .*38|^prctl PR_SET_NO_NEW_PRIVS,1/);
    else t.true(calls[index]?.startsWith(`seccomp 1,${flags},`), stderr);
  }
  t.regex(calls[5] ?? "", /^exit_group 123/);
});

test("there is no loader for other architectures", (t) => {
  t.is(loaderElf(Buffer.alloc(8), "s390x", false), undefined);
});
