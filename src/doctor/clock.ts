import type { Finding } from "./finding.ts";

/** Before this there was no tsbuild. */
const earliest = Date.UTC(2026, 0, 1);
/** SquashFS keeps times in 32 bits without a sign. */
const latest = 0xffff_ffff * 1000;

/** A clock that is certainly wrong: certificates of registries would not be believed, and images would lie about their age. */
export function wrongClock(nowMs: number = Date.now()): Finding | undefined {
  if (nowMs >= earliest && nowMs <= latest) return undefined;
  return {
    code: "host/clock",
    severity: "warning",
    message: `the clock of this machine says ${new Date(nowMs).toISOString()}, which can't be`,
    hint: "set it: an administrator can have that done by timedatectl set-ntp true",
    command: "timedatectl set-ntp true",
  };
}
