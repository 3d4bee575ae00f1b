// What the loader of `loader-elf.ts` does, as machine code beside its assembly. A test has binutils read the bytes back.
//
//   for no_new_privs as it is, then switched on (only who has no CAP_SYS_ADMIN in the namespace needs that):
//     for both words at 0x400088:   seccomp(SECCOMP_SET_MODE_FILTER, word, 0x400078)
//   exit 123 when none of the four worked
//   with a listener: sendmsg(6) hands it over (SCM_RIGHTS), and both are closed
//   execve(argv[1], argv + 1, envp), exit 127
//
// Calls are made as the kernel has it for each architecture (syscall(2)); the message lies on the stack, since the
// program's own memory can't be written.

/** The file descriptor by which tsbuild gets the listener: a socket. */
export const listenerDescriptor = 6;

export interface LoaderCode {
  /** `e_machine` of the ELF header. */
  readonly machine: number;
  readonly bytes: Buffer;
}

const x64 = [
  "4889e5", // mov rbp, rsp
  "31db", // xor ebx, ebx
  // round:
  "41bc88004000", // mov r12d, 0x400088
  // next:
  "bf01000000", // mov edi, 0x1
  "418b3424", // mov esi, DWORD PTR [r12]
  "ba78004000", // mov edx, 0x400078
  "b83d010000", // mov eax, 0x13d
  "0f05", // syscall
  "85c0", // test eax, eax
  "793a", // jns loaded
  "4183c404", // add r12d, 0x4
  "4181fc90004000", // cmp r12d, 0x400090
  "75da", // jne next
  "85db", // test ebx, ebx
  "751d", // jne fail
  "ffc3", // inc ebx
  "bf26000000", // mov edi, 0x26
  "be01000000", // mov esi, 0x1
  "31d2", // xor edx, edx
  "4531d2", // xor r10d, r10d
  "4531c0", // xor r8d, r8d
  "b89d000000", // mov eax, 0x9d
  "0f05", // syscall
  "ebb3", // jmp round
  // fail:
  "bf7b000000", // mov edi, 0x7b
  "b8e7000000", // mov eax, 0xe7
  "0f05", // syscall
  // loaded:
  "41f6042408", // test BYTE PTR [r12], 0x8
  "7453", // je run
  "89c3", // mov ebx, eax
  "6a00", // push 0x0
  "50", // push rax
  "48b80100000001000000", // movabs rax, 0x100000001
  "50", // push rax
  "6a14", // push 0x14
  "4889e1", // mov rcx, rsp
  "6a01", // push 0x1
  "54", // push rsp
  "6a00", // push 0x0
  "6a18", // push 0x18
  "51", // push rcx
  "6a01", // push 0x1
  "488d442420", // lea rax, [rsp+0x20]
  "50", // push rax
  "6a00", // push 0x0
  "6a00", // push 0x0
  "bf06000000", // mov edi, 0x6
  "4889e6", // mov rsi, rsp
  "31d2", // xor edx, edx
  "b82e000000", // mov eax, 0x2e
  "0f05", // syscall
  "85c0", // test eax, eax
  "78af", // js fail
  "89df", // mov edi, ebx
  "b803000000", // mov eax, 0x3
  "0f05", // syscall
  "bf06000000", // mov edi, 0x6
  "b803000000", // mov eax, 0x3
  "0f05", // syscall
  // run:
  "488b4d00", // mov rcx, QWORD PTR [rbp+0x0]
  "488d7510", // lea rsi, [rbp+0x10]
  "488b3e", // mov rdi, QWORD PTR [rsi]
  "488d54cd10", // lea rdx, [rbp+rcx*8+0x10]
  "b83b000000", // mov eax, 0x3b
  "0f05", // syscall
  "bf7f000000", // mov edi, 0x7f
  "b8e7000000", // mov eax, 0xe7
  "0f05", // syscall
];

const arm64 = [
  "f3030091", // mov x19, sp
  "140080d2", // mov x20, #0x0
  // round:
  "151180d2", // mov x21, #0x88
  "1508a0f2", // movk x21, #0x40, lsl #16
  // next:
  "200080d2", // mov x0, #0x1
  "a10240b9", // ldr w1, [x21]
  "020f80d2", // mov x2, #0x78
  "0208a0f2", // movk x2, #0x40, lsl #16
  "a82280d2", // mov x8, #0x115
  "010000d4", // svc #0x0
  "0002f8b6", // tbz x0, #63, loaded
  "b5120091", // add x21, x21, #0x4
  "15ff2736", // tbz w21, #4, next
  "540100b5", // cbnz x20, fail
  "340080d2", // mov x20, #0x1
  "c00480d2", // mov x0, #0x26
  "210080d2", // mov x1, #0x1
  "020080d2", // mov x2, #0x0
  "030080d2", // mov x3, #0x0
  "040080d2", // mov x4, #0x0
  "e81480d2", // mov x8, #0xa7
  "010000d4", // svc #0x0
  "ecffff17", // b round
  // fail:
  "600f80d2", // mov x0, #0x7b
  "c80b80d2", // mov x8, #0x5e
  "010000d4", // svc #0x0
  // loaded:
  "a10240b9", // ldr w1, [x21]
  "81031836", // tbz w1, #3, run
  "f40300aa", // mov x20, x0
  "ffc301d1", // sub sp, sp, #0x70
  "820280d2", // mov x2, #0x14
  "230080d2", // mov x3, #0x1
  "e4830191", // add x4, sp, #0x60
  "e40f00a9", // stp x4, x3, [sp]
  "ff7f01a9", // stp xzr, xzr, [sp, #16]
  "e4030091", // mov x4, sp
  "e40f02a9", // stp x4, x3, [sp, #32]
  "e4230191", // add x4, sp, #0x48
  "050380d2", // mov x5, #0x18
  "e41703a9", // stp x4, x5, [sp, #48]
  "ff0b04a9", // stp xzr, x2, [sp, #64]
  "e30f0a29", // stp w3, w3, [sp, #80]
  "e0ff05a9", // stp x0, xzr, [sp, #88]
  "c00080d2", // mov x0, #0x6
  "e1430091", // add x1, sp, #0x10
  "020080d2", // mov x2, #0x0
  "681a80d2", // mov x8, #0xd3
  "010000d4", // svc #0x0
  "e0fcffb7", // tbnz x0, #63, fail
  "e00314aa", // mov x0, x20
  "280780d2", // mov x8, #0x39
  "010000d4", // svc #0x0
  "c00080d2", // mov x0, #0x6
  "280780d2", // mov x8, #0x39
  "010000d4", // svc #0x0
  // run:
  "620240f9", // ldr x2, [x19]
  "61420091", // add x1, x19, #0x10
  "200040f9", // ldr x0, [x1]
  "220c028b", // add x2, x1, x2, lsl #3
  "a81b80d2", // mov x8, #0xdd
  "010000d4", // svc #0x0
  "e00f80d2", // mov x0, #0x7f
  "c80b80d2", // mov x8, #0x5e
  "010000d4", // svc #0x0
];

const code = (machine: number, instructions: readonly string[]): LoaderCode => ({
  machine,
  bytes: Buffer.from(instructions.join(""), "hex"),
});

/** By architecture, as `process.arch` has it. */
export const loaderCodes: Readonly<Record<string, LoaderCode>> = {
  x64: code(62, x64),
  arm64: code(183, arm64),
};
