import type { Device } from "../folder/ledger.ts";
import { splitDevice } from "../system/syscalls.ts";
import type { Answer, Answers, Scene } from "./answer.ts";
import type { Place } from "./caller.ts";
import { isPrivileged } from "./identity.ts";
import { currentFolder, errnoNumber, noFollow, path0, type Outcome } from "./kernel.ts";

const [notPermitted, badAddress] = ["EPERM", "EFAULT"].map((name) => errnoNumber(name)) as [
  number,
  number,
];

const exclusively = 0o200; // O_EXCL
const closeOnExec = 0o2_000_000; // O_CLOEXEC
const createOnly = 0o301; // O_CREAT | O_EXCL | O_WRONLY
const create = 0o1101; // O_CREAT | O_WRONLY | O_TRUNC

const typeMask = 0o170_000;
const characterDevice = 0o020_000;
const blockDevice = 0o060_000;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whose something new is going to be, where that isn't root: who makes it, and the group of a directory that gives its own
 * to what is made in it.
 */
function ownerOfNew(
  { listener, caller, identities, owners }: Scene,
  place: Place,
): Owner | undefined {
  const identity = identities.of(listener.pid);
  const own = { uid: identity.users.files, gid: identity.groups.files };
  const isRoot = own.uid === 0 && own.gid === 0;
  if (isRoot && !owners.hasGroupDirectories) return undefined;
  const parent = caller.look(caller.parentOf(place), 0);
  const gid =
    parent !== undefined && (caller.mode & 0o2000) !== 0 ? owners.ownerOf(parent).gid : own.gid;
  return own.uid === 0 && gid === 0 ? undefined : { uid: own.uid, gid };
}

/** Lets the kernel make it where it will be root's or can't be made, else makes it and notes whose it is. */
function make(scene: Scene, place: Place | undefined, action: (place: Place) => Outcome): void {
  const { listener, caller, owners } = scene;
  const owner = place === undefined ? undefined : ownerOfNew(scene, place);
  if (place === undefined || owner === undefined || caller.look(place, noFollow) !== undefined) {
    listener.proceed();
    return;
  }
  if (!listener.isWaiting()) return;
  const made = action(place);
  if ("errno" in made) {
    listener.fail(made.errno);
    return;
  }
  const inode = caller.look(place, noFollow);
  if (inode !== undefined) owners.note(inode, owner);
  listener.succeed();
}

/** open(2) with O_CREAT. */
function open(scene: Scene, place: Place | undefined, flags: number, mode: number): void {
  const { kernel, listener, caller, owners } = scene;
  const owner = place === undefined ? undefined : ownerOfNew(scene, place);
  if (place === undefined || owner === undefined || caller.look(place, noFollow) !== undefined) {
    listener.proceed();
    return;
  }
  const allowed = mode & 0o7777 & ~caller.umask();
  if (!listener.isWaiting()) return;
  // Somebody may be quicker; then it isn't new any more, and opening it could wait for ever.
  const opened = kernel.open(place.folder, place.path, flags | exclusively, allowed);
  if ("errno" in opened) {
    if (opened.errno === errnoNumber("EEXIST")) listener.proceed();
    else listener.fail(opened.errno);
    return;
  }
  const inode = caller.lookAt(opened.value);
  if (inode !== undefined) owners.note(inode, owner);
  listener.succeedWithFile(opened.value, (flags & closeOnExec) !== 0);
  kernel.close(opened.value);
}

/** Where nobody can make a device, an empty file stands for it. */
function makeDevice(
  scene: Scene,
  place: Place | undefined,
  mode: number,
  device: Pick<Device, "major" | "minor">,
): void {
  const { kernel, listener, caller, identities, owners } = scene;
  if (place === undefined) {
    listener.fail(badAddress);
    return;
  }
  if (!isPrivileged(identities.of(listener.pid))) {
    listener.fail(notPermitted);
    return;
  }
  const owner = ownerOfNew(scene, place) ?? { uid: 0, gid: 0 };
  const made = kernel.open(place.folder, place.path, createOnly, mode & 0o7777 & ~caller.umask());
  if ("errno" in made) {
    listener.fail(made.errno);
    return;
  }
  const inode = caller.lookAt(made.value);
  kernel.close(made.value);
  const type = (mode & typeMask) === blockDevice ? "block-device" : "character-device";
  if (inode !== undefined) owners.note(inode, owner, { type, ...device });
  listener.succeed();
}

/** @param first the index of the path among the arguments */
const makingNode =
  (first: number): Answer =>
  (scene) => {
    const { kernel, listener, caller } = scene;
    const place = placeOf(scene, first);
    const mode = listener.uint(first + 1);
    const type = mode & typeMask;
    const device = splitDevice(listener.address(first + 2) & 0xffff_ffffn);
    // A character device 0:0 is the mark of a deleted file in an overlay, and may be made.
    const isMark = type === characterDevice && device.major === 0 && device.minor === 0;
    if ((type === characterDevice || type === blockDevice) && !isMark) {
      makeDevice(scene, place, mode, device);
    } else {
      make(scene, place, ({ folder, path }) =>
        kernel.makeNode(folder, path, mode & ~caller.umask()),
      );
    }
  };

const makingFolder =
  (first: number): Answer =>
  (scene) => {
    const { kernel, listener, caller } = scene;
    make(scene, placeOf(scene, first), ({ folder, path }) =>
      kernel.makeFolder(folder, path, listener.uint(first + 1) & 0o1777 & ~caller.umask()),
    );
  };

/** symlink(TARGET, PATH), symlinkat(TARGET, FOLDER, PATH) */
const makingSymlink =
  (first: number): Answer =>
  (scene) => {
    const { kernel, listener, caller } = scene;
    const target = caller.text(listener.address(0));
    if (target === undefined) {
      listener.proceed();
      return;
    }
    const ended = path0(target.toString("latin1"));
    make(scene, placeOf(scene, first), ({ folder, path }) =>
      kernel.makeSymlink(ended, folder, path),
    );
  };

/** A path argument, and the folder before it in the calls that have one. */
function placeOf({ listener, caller }: Scene, index: number): Place | undefined {
  const hasFolder = listener.call?.endsWith("at") === true;
  const folder = hasFolder ? listener.int(index - 1) : currentFolder;
  return caller.place(folder, listener.address(index));
}

export const newFileAnswers: Answers = {
  creat: (scene) => {
    open(scene, placeOf(scene, 0), create, scene.listener.uint(1));
  },
  open: (scene) => {
    open(scene, placeOf(scene, 0), scene.listener.int(1), scene.listener.uint(2));
  },
  openat: (scene) => {
    open(scene, placeOf(scene, 1), scene.listener.int(2), scene.listener.uint(3));
  },
  mkdir: makingFolder(0),
  mkdirat: makingFolder(1),
  symlink: makingSymlink(1),
  symlinkat: makingSymlink(2),
  mknod: makingNode(0),
  mknodat: makingNode(1),
};
