import type { ProcessIdentity } from "./process-identity.ts";

const pattern = /^([0-9a-f]{6})-([0-9a-f]{6})-(\d+)-(\d+)$/;

/** A process in a file's name, by which others can tell whether it is gone: `<host>-<boot>-<pid>-<start>`. */
export function formatOwner({ host, boot, pid, startTicks }: ProcessIdentity): string {
  return `${host}-${boot}-${pid}-${startTicks}`;
}

/** The process that a name was made of; undefined for any other name. */
export function parseOwner(name: string): ProcessIdentity | undefined {
  const [, host, boot, pid, startTicks] = pattern.exec(name) ?? [];
  if (host === undefined || boot === undefined || startTicks === undefined) return undefined;
  return { host, boot, pid: Number(pid), startTicks };
}
