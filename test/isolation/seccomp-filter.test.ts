import test from "ava";
import { seccompFilter, type FilterKind } from "../../src/isolation/seccomp-filter.ts";
import {
  aarch64,
  arm,
  i386,
  systemCallTables,
  x86_64,
} from "../../src/isolation/system-call-numbers.ts";

const allow = 0x7fff_0000;
const fake = 0x0005_0000;
const ask = 0x7fc0_0000;
const characterDevice = 0o020644;
const blockDevice = 0o060644;

interface Call {
  readonly arch: number;
  readonly nr: number;
  readonly args?: readonly number[];
}

/** What the kernel would answer: classic BPF over struct seccomp_data, by linux/filter.h. */
function verdict(filter: Buffer, { arch, nr, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr, 0);
  data.writeUInt32LE(arch, 4);
  for (const [index, arg] of args.entries()) data.writeBigUInt64LE(BigInt(arg), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const code = filter.readUInt16LE(at * 8);
    const jumpTrue = filter.readUInt8(at * 8 + 2);
    const jumpFalse = filter.readUInt8(at * 8 + 3);
    const k = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x15) at += accumulator === k ? jumpTrue : jumpFalse;
    else if (code === 0x35) at += accumulator >= k ? jumpTrue : jumpFalse;
    else if (code === 0x45) at += (accumulator & k) === 0 ? jumpFalse : jumpTrue;
    else if (code === 0x06) return k;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error("fell off the end");
}

/** From the kernel's tables, written down a second time: number → name. */
const names: Record<string, Record<string, number>> = {
  x86_64: {
    chown: 92,
    fchown: 93,
    lchown: 94,
    setuid: 105,
    setgid: 106,
    setreuid: 113,
    setregid: 114,
    setgroups: 116,
    setresuid: 117,
    setresgid: 119,
    setfsuid: 122,
    setfsgid: 123,
    capset: 126,
    fchownat: 260,
  },
  aarch64: {
    fchownat: 54,
    fchown: 55,
    capset: 91,
    setregid: 143,
    setgid: 144,
    setreuid: 145,
    setuid: 146,
    setresuid: 147,
    setresgid: 149,
    setfsuid: 151,
    setfsgid: 152,
    setgroups: 159,
  },
  i386: {
    lchown: 16,
    setuid: 23,
    setgid: 46,
    setreuid: 70,
    setregid: 71,
    setgroups: 81,
    fchown: 95,
    setfsuid: 138,
    setfsgid: 139,
    setresuid: 164,
    setresgid: 170,
    chown: 182,
    capset: 185,
    lchown32: 198,
    setreuid32: 203,
    setregid32: 204,
    setgroups32: 206,
    fchown32: 207,
    setresuid32: 208,
    setresgid32: 210,
    chown32: 212,
    setuid32: 213,
    setgid32: 214,
    setfsuid32: 215,
    setfsgid32: 216,
    fchownat: 298,
  },
};
names["arm"] = { ...names["i386"], fchownat: 325 };

for (const kind of ["fake-root", "no-devices"] as const satisfies FilterKind[]) {
  for (const table of systemCallTables) {
    test(`${kind}: every call of ${table.name} gets the right answer`, (t) => {
      const filter = seccompFilter(kind);
      const privileged = new Set(Object.values(names[table.name] ?? {}));
      for (let nr = 0; nr < 512; nr++) {
        if (nr === table.mknod || nr === table.mknodat) continue;
        const expected = kind === "fake-root" && privileged.has(nr) ? fake : allow;
        t.is(verdict(filter, { arch: table.audit, nr }), expected, `call ${nr}`);
      }
    });

    test(`${kind}: devices of ${table.name} are not made, everything else is`, (t) => {
      const filter = seccompFilter(kind);
      const answer = (mode: number, device: number) => {
        const at = verdict(filter, {
          arch: table.audit,
          nr: table.mknodat,
          args: [0, 0, mode, device],
        });
        if (table.mknod !== undefined) {
          t.is(
            verdict(filter, { arch: table.audit, nr: table.mknod, args: [0, mode, device] }),
            at,
          );
        }
        return at;
      };
      t.is(answer(characterDevice, 0x103), fake);
      t.is(answer(blockDevice, 0x800), fake);
      t.is(answer(blockDevice, 0), fake);
      // The mark of a deleted file in an overlay.
      t.is(answer(characterDevice, 0), allow);
      for (const type of [0, 0o010000, 0o100000, 0o140000])
        t.is(answer(type | 0o644, 0x103), allow);
    });
  }
}

/** Written down a second time: what is asked about beside the calls that change a user, by number → name. */
const asked: Record<string, Record<string, number>> = {
  x86_64: {
    stat: 4,
    fstat: 5,
    lstat: 6,
    execve: 59,
    mkdir: 83,
    creat: 85,
    symlink: 88,
    getuid: 102,
    getgid: 104,
    geteuid: 107,
    getegid: 108,
    getgroups: 115,
    getresuid: 118,
    getresgid: 120,
    mknod: 133,
    pivot_root: 155,
    chroot: 161,
    mkdirat: 258,
    mknodat: 259,
    newfstatat: 262,
    symlinkat: 266,
    unshare: 272,
    setns: 308,
    execveat: 322,
    statx: 332,
  },
  aarch64: {
    mknodat: 33,
    mkdirat: 34,
    symlinkat: 36,
    pivot_root: 41,
    chroot: 51,
    newfstatat: 79,
    fstat: 80,
    unshare: 97,
    getresuid: 148,
    getresgid: 150,
    getgroups: 158,
    getuid: 174,
    geteuid: 175,
    getgid: 176,
    getegid: 177,
    execve: 221,
    setns: 268,
    execveat: 281,
    statx: 291,
  },
};

for (const table of systemCallTables) {
  test(`supervised: every call of ${table.name} is asked about, faked or made`, (t) => {
    const filter = seccompFilter("supervised");
    const privileged = Object.entries(names[table.name] ?? {});
    const ours = asked[table.name];
    const expected = new Map<number, number>([
      ...privileged.map(([name, nr]): [number, number] => [
        nr,
        ours === undefined || name === "capset" ? fake : ask,
      ]),
      ...Object.values(ours ?? {}).map((nr): [number, number] => [nr, ask]),
    ]);
    const { open, openat } = table.supervised;
    for (let nr = 0; nr < 512; nr++) {
      if (ours === undefined && (nr === table.mknod || nr === table.mknodat)) continue;
      if (nr === open || nr === openat) {
        const at = nr === open ? 1 : 2;
        const flags = (value: number) =>
          Array.from({ length: 3 }, (_, i) => (i === at ? value : 0o100));
        t.is(verdict(filter, { arch: table.audit, nr, args: flags(0o1102) }), ask);
        t.is(verdict(filter, { arch: table.audit, nr, args: flags(0o2001002) }), allow);
      } else
        t.is(verdict(filter, { arch: table.audit, nr }), expected.get(nr) ?? allow, `call ${nr}`);
    }
  });
}

for (const table of systemCallTables) {
  test(`beyond-ids: only owners from 65536 on and devices of ${table.name} are asked about`, (t) => {
    const filter = seccompFilter("beyond-ids");
    const { chown, lchown, fchown, fchownat } = table.supervised;
    const isAsked = chown !== undefined || fchown !== undefined;
    for (const [nr, first] of [
      [chown, 1],
      [lchown, 1],
      [fchown, 1],
      [fchownat, 2],
    ] as const) {
      if (nr === undefined) continue;
      const answer = (uid: number, gid: number) => {
        const args = first === 1 ? [7, uid, gid] : [7, 7, uid, gid];
        return verdict(filter, { arch: table.audit, nr, args });
      };
      for (const id of [0, 5, 65_535, 0xffff_ffff]) {
        t.is(answer(id, 0), allow);
        t.is(answer(0, id), allow);
      }
      for (const id of [65_536, 4_000_000_000]) {
        for (const other of [0, 65_535, 0xffff_ffff, id]) {
          t.is(answer(id, other), ask);
          t.is(answer(other, id), ask);
        }
      }
    }
    const device = (mode: number, number: number) =>
      verdict(filter, { arch: table.audit, nr: table.mknodat, args: [0, 0, mode, number] });
    t.is(device(blockDevice, 0x801), isAsked ? ask : fake);
    t.is(device(characterDevice, 0x103), isAsked ? ask : fake);
    t.is(device(characterDevice, 0), allow);
    t.is(device(0o010644, 0), allow);
    t.is(verdict(filter, { arch: table.audit, nr: table.privileged.at(-2) ?? 0 }), allow);
  });

  for (const kind of ["witnessed", "old-calls-witnessed"] as const) {
    test(`${kind}: owners, devices${kind === "witnessed" ? " and other users" : ""} of ${table.name} are asked about`, (t) => {
      const filter = seccompFilter(kind);
      const without = seccompFilter(kind === "witnessed" ? "fake-root" : "old-calls");
      const calls = names[table.name] ?? {};
      const isHeard = Object.keys(table.supervised).length > 0;
      const wanted = /^(?:[lf]?chown|fchownat)$/;
      const users = /^(?:setuid|setreuid|setresuid|setfsuid)$/;
      const asking = Object.entries(calls)
        .filter(([name]) => wanted.test(name) || (kind === "witnessed" && users.test(name)))
        .map(([, nr]) => nr);
      for (let nr = 0; nr < 512; nr++) {
        if (nr === table.mknod || nr === table.mknodat) continue;
        const expected =
          isHeard && asking.includes(nr) ? ask : verdict(without, { arch: table.audit, nr });
        t.is(verdict(filter, { arch: table.audit, nr }), expected, `call ${nr}`);
      }
      for (const [mode, device] of [
        [blockDevice, 0x801],
        [characterDevice, 0x103],
        [characterDevice, 0],
        [0o010644, 0],
      ] as const) {
        const call = { arch: table.audit, nr: table.mknodat, args: [0, 0, mode, device] };
        const isDevice = device !== 0;
        t.is(verdict(filter, call), isHeard && isDevice ? ask : verdict(without, call));
      }
    });
  }

  test(`old-calls: the newer calls of ${table.name} don't exist`, (t) => {
    const filter = seccompFilter("old-calls");
    const newer =
      { x86_64: [332, 322], i386: [383, 358], aarch64: [291, 281], arm: [397, 387] }[table.name] ??
      [];
    for (let nr = 0; nr < 512; nr++) {
      const isNew = [435, 437, 439, 452, ...newer].includes(nr);
      t.is(verdict(filter, { arch: table.audit, nr }), isNew ? 0x0005_0026 : allow, `call ${nr}`);
    }
  });
}

test("x32 calls and unknown architectures are left alone", (t) => {
  const filter = seccompFilter("fake-root");
  t.is(verdict(filter, { arch: x86_64.audit, nr: 0x4000_0000 + 92 }), allow);
  t.is(verdict(filter, { arch: 0xc000_0015, nr: 181 }), allow);
});

test("the four architectures are told apart", (t) => {
  t.deepEqual(
    systemCallTables.map(({ audit }) => audit),
    [x86_64, i386, aarch64, arm].map(({ audit }) => audit),
  );
  t.is(new Set(systemCallTables.map(({ audit }) => audit)).size, 4);
});

test("a filter is shorter than the kernel's limit of 4096 instructions", (t) => {
  const { length } = seccompFilter("fake-root");
  t.is(length % 8, 0);
  t.true(length / 8 < 4096);
});
