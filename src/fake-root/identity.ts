// Who a process takes itself for. The kernel knows one user only there; this is what it would have done with more
// (credentials(7), setresuid(2), setfsuid(2), execve(2)).

/** Four ids as the kernel keeps them: of who started it, who it acts as, who it may become again, whose its files are. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly files: number;
}

export interface Identity {
  readonly users: Ids;
  readonly groups: Ids;
  readonly supplementary: readonly number[];
}

const all = (id: number): Ids => ({ real: id, effective: id, saved: id, files: id });

/** Root, without further groups. */
export const rootIdentity: Identity = { users: all(0), groups: all(0), supplementary: [] };

/** What an argument says that leaves an id as it is: -1. */
export const unchanged = 0xffff_ffff;

/** Whether it may change ids as it likes, and files of others. */
export const isPrivileged = ({ users }: Identity): boolean => users.effective === 0;

/** setuid(2), setgid(2); undefined where that is not allowed. */
export function setId(ids: Ids, id: number, privileged: boolean): Ids | undefined {
  if (privileged) return all(id);
  return [ids.real, ids.saved].includes(id) ? { ...ids, effective: id, files: id } : undefined;
}

/** setreuid(2), setregid(2). */
export function setRealAndEffective(
  ids: Ids,
  real: number,
  effective: number,
  privileged: boolean,
): Ids | undefined {
  const realAllowed = privileged || [unchanged, ids.real, ids.effective].includes(real);
  const effectiveAllowed =
    privileged || [unchanged, ids.real, ids.effective, ids.saved].includes(effective);
  if (!realAllowed || !effectiveAllowed) return undefined;
  const next = {
    real: real === unchanged ? ids.real : real,
    effective: effective === unchanged ? ids.effective : effective,
  };
  const saves = real !== unchanged || (effective !== unchanged && effective !== ids.real);
  return { ...next, saved: saves ? next.effective : ids.saved, files: next.effective };
}

/** setresuid(2), setresgid(2). */
export function setAll(
  ids: Ids,
  [real, effective, saved]: readonly [number, number, number],
  privileged: boolean,
): Ids | undefined {
  const known = [unchanged, ids.real, ids.effective, ids.saved];
  if (!privileged && ![real, effective, saved].every((id) => known.includes(id))) return undefined;
  const next = {
    real: real === unchanged ? ids.real : real,
    effective: effective === unchanged ? ids.effective : effective,
    saved: saved === unchanged ? ids.saved : saved,
  };
  // The kernel does nothing at all where nothing is new, and leaves the id of files alone then.
  const isNew =
    next.real !== ids.real ||
    next.saved !== ids.saved ||
    (effective !== unchanged && (effective !== ids.effective || effective !== ids.files));
  return isNew ? { ...next, files: next.effective } : ids;
}

/** setfsuid(2), setfsgid(2): what is not allowed changes nothing. */
export function setFiles(ids: Ids, id: number, privileged: boolean): Ids {
  const allowed = privileged || [ids.real, ids.effective, ids.saved, ids.files].includes(id);
  return allowed && id !== unchanged ? { ...ids, files: id } : ids;
}

/** What starting a program makes of it: a set-id bit lends the owner's id, and what acts now is what is saved. */
export function afterExec(
  identity: Identity,
  { user, group }: { readonly user?: number | undefined; readonly group?: number | undefined },
): Identity {
  return {
    ...identity,
    users: become(identity.users, user),
    groups: become(identity.groups, group),
  };
}

function become(ids: Ids, id: number = ids.effective): Ids {
  return { real: ids.real, effective: id, saved: id, files: id };
}

/** chown(2): a file's owner may give it to a group that he is in, and only root may give it away. */
export function mayChown(
  identity: Identity,
  file: { readonly uid: number; readonly gid: number },
  wanted: { readonly uid: number; readonly gid: number },
): boolean {
  if (isPrivileged(identity)) return true;
  const { users, groups, supplementary } = identity;
  const isMember = [file.gid, groups.files, ...supplementary].includes(wanted.gid);
  return file.uid === users.files && wanted.uid === file.uid && isMember;
}
