// Settings that this machine's kernel may not have: what is said of a refusal that they explain.

import test from "ava";
import { wrongClock } from "../../src/doctor/clock.ts";
import { fileSystemName, isShared } from "../../src/system/file-system-name.ts";
import { isolationCause } from "../../src/doctor/isolation-cause.ts";
import type { KernelState } from "../../src/doctor/kernel-state.ts";
import { tightLimits } from "../../src/doctor/process-limits.ts";
import type { HostFacts } from "../../src/isolation/host-facts.ts";

const facts = {
  userName: "ada",
  programs: {},
  path: "/usr/bin",
  folder: "/tmp",
} as Partial<HostFacts> as HostFacts;

const kernel = (settings: Readonly<Record<string, string>>, isFiltered = false): KernelState => ({
  noNewPrivileges: false,
  isFiltered,
  setting: (name) => settings[name],
});

const denied =
  "you may not make user namespaces (unshare: unshare failed: Operation not permitted)";

const cases: readonly [
  title: string,
  reason: string,
  state: KernelState,
  code: string | undefined,
  command: string | undefined,
][] = [
  [
    "AppArmor's restriction",
    "you may not make user namespaces (unshare: write failed /proc/self/uid_map: Operation not permitted)",
    kernel({ "kernel.apparmor_restrict_unprivileged_userns": "1" }),
    "host/userns-apparmor",
    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  ],
  [
    "Debian's setting",
    denied,
    kernel({ "kernel.unprivileged_userns_clone": "0" }),
    "host/userns-forbidden",
    "sysctl -w kernel.unprivileged_userns_clone=1",
  ],
  [
    "settings that allow it",
    denied,
    kernel({
      "kernel.unprivileged_userns_clone": "1",
      "kernel.apparmor_restrict_unprivileged_userns": "0",
    }),
    "host/userns-refused",
    undefined,
  ],
  ["a filter", denied, kernel({}, true), "host/userns-filtered", undefined],
  [
    "a limit that is used up",
    "you may not make user namespaces (unshare: unshare failed: No space left on device)",
    kernel({ "user.max_user_namespaces": "31", "user.max_mnt_namespaces": "31" }),
    "host/userns-limit",
    "sysctl -w user.max_user_namespaces=15000",
  ],
  ["a way for others", "you are not root", kernel({}), undefined, undefined],
  [
    "a way for containers",
    "it is only for containers, and this is a machine's root",
    kernel({}),
    undefined,
    undefined,
  ],
];

for (const [title, reason, state, code, command] of cases) {
  test(`${title} explains: ${reason}`, (t) => {
    const cause = isolationCause({ name: "subid", reason, hint: undefined }, facts, state);
    t.is(cause?.code, code);
    t.is(cause?.command, command);
    if (command !== undefined) t.true(cause?.hint?.includes(command));
  });
}

test("a clock is wrong before tsbuild was made, and where SquashFS can't tell the time", (t) => {
  t.is(wrongClock(Date.UTC(2027, 5, 1)), undefined);
  t.is(wrongClock(Date.UTC(1970, 0, 1))?.code, "host/clock");
  t.is(wrongClock(Date.UTC(2107, 0, 1))?.code, "host/clock");
});

/** As /proc/PID/limits has them. */
const table = (files: string, size: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax file size             ${size}            unlimited            bytes\nMax open files            ${files}                 1048576              files\n`;

test("limits of the process that are too low are named", (t) => {
  t.deepEqual(tightLimits(table("1024", "unlimited")), []);
  t.regex(tightLimits(table("64", "unlimited"))[0]?.message ?? "", /only 64 files/);
  t.regex(tightLimits(table("1024", "1048576"))[0]?.message ?? "", /1048576 bytes at most/);
});

test("file systems have names, and some are on several machines", (t) => {
  t.is(fileSystemName(0xef53n), "ext4");
  t.is(fileSystemName(-0x6edc_97c2n), "btrfs");
  t.is(fileSystemName(0x1234_5678n), "0x12345678");
  t.true(isShared(0x6969n));
  t.true(isShared(0x0bd0_0bd0n));
  t.false(isShared(0xef53n));
});
