import { isPrivileged, mayChown, unchanged } from "./identity.ts";
import type { Answers, Scene } from "./answer.ts";
import type { Place } from "./caller.ts";
import { currentFolder, emptyPath, errnoNumber, noFollow } from "./kernel.ts";

const [notPermitted, badAddress] = ["EPERM", "EFAULT"].map((name) => errnoNumber(name)) as [
  number,
  number,
];

/** Not ours, or a file system without owners: a real root would have been able to. */
const forgiven = new Set(["EPERM", "EINVAL", "EOVERFLOW"].map((name) => errnoNumber(name)));

/** What the disk gets: an id that it can hold, or the one that it has. */
const onDisk = (id: number, ids: number): number => (id < ids ? id : unchanged);

/**
 * chown(2): the kernel is asked to give the file to whom it can, with all that goes with it (set-id bits and
 * capabilities go, a read-only file system refuses), and what was wanted is noted.
 */
function chown(scene: Scene, place: Place | undefined, first: number, flags: number): void {
  const { kernel, listener, caller, identities, owners, ids, upper } = scene;
  if (place === undefined) {
    listener.fail(badAddress);
    return;
  }
  const identity = identities.of(listener.pid);
  const [uid, gid] = [listener.uint(first), listener.uint(first + 1)];
  const isSeen = caller.sees(place, flags);
  // Nothing is new for the disk or for us: the kernel does all that goes with it.
  if (isSeen && isPrivileged(identity) && isRoots(uid) && isRoots(gid) && isUnknown(scene)) {
    listener.proceed();
    return;
  }
  const before = isSeen ? caller.inode : undefined;
  const owner = before === undefined ? undefined : owners.ownerOf(before);
  const wanted = {
    uid: uid === unchanged ? (owner?.uid ?? 0) : uid,
    gid: gid === unchanged ? (owner?.gid ?? 0) : gid,
  };
  if (owner !== undefined && !mayChown(identity, owner, wanted)) {
    listener.fail(notPermitted);
    return;
  }
  const done = kernel.chown(place.folder, place.path, onDisk(uid, ids), onDisk(gid, ids), flags);
  if ("errno" in done) {
    if (forgiven.has(done.errno)) listener.succeed();
    else listener.fail(done.errno);
    return;
  }
  // An overlay may have made another inode of it.
  const after = ids === 1 && upper === undefined ? before : caller.look(place, flags);
  if (after !== undefined) {
    owners.note(after, wanted);
    const other = upper?.otherName(after, place, flags);
    if (other !== undefined) owners.note(other, wanted);
  }
  listener.succeed();
}

const isRoots = (id: number): boolean => id === 0 || id === unchanged;

/** Whether what was looked at is root's, by its disk and as far as anybody noted. */
const isUnknown = ({ caller, owners }: Scene): boolean =>
  caller.isRoots && !owners.mayKnow(caller.inodeNumber);

const byPath =
  (flags: number) =>
  (scene: Scene): void => {
    const place = scene.caller.place(currentFolder, scene.listener.address(0));
    chown(scene, place, 1, flags);
  };

export const ownerAnswers: Answers = {
  chown: byPath(0),
  lchown: byPath(noFollow),
  fchown: (scene) => {
    chown(scene, scene.caller.opened(scene.listener.int(0)), 1, 0);
  },
  fchownat: (scene) => {
    const { listener, caller } = scene;
    const flags = listener.int(4);
    const place = caller.place(listener.int(0), listener.address(1), (flags & emptyPath) !== 0);
    chown(scene, place, 2, flags & noFollow);
  },
};
