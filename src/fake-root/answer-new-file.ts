import type { Device } from "../folder/ledger.ts";
import { splitDevice } from "../system/syscalls.ts";
import type { Answer, Answers, Scene } from "./answer.ts";
import type { Place } from "./caller.ts";
import { isPrivileged } from "./identity.ts";
import { currentFolder, errnoNumber, noFollow, type Outcome } from "./kernel.ts";

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

/** Where a call's path leads. */
type PathArgument = (scene: Scene) => Place | undefined;

const pathAt =
  (index: number): PathArgument =>
  ({ listener, caller }) =>
    caller.place(currentFolder, listener.address(index));

/** Behind the folder that it starts in. */
const pathBelow =
  (index: number): PathArgument =>
  ({ listener, caller }) =>
    caller.place(listener.int(index - 1), listener.address(index));

const firstPath = pathAt(0);
const secondPath = pathBelow(1);

/** Who makes something, where it may get another owner than root's. */
function makerOf({ listener, identities, owners }: Scene): Owner | undefined {
  const { users, groups } = identities.of(listener.pid);
  const isRoot = users.files === 0 && groups.files === 0;
  return isRoot && !owners.hasGroupDirectories
    ? undefined
    : { uid: users.files, gid: groups.files };
}

/**
 * Whose something new is going to be, where that isn't root: who makes it, and the group of a directory that gives its own
 * to what is made in it.
 */
function ownerOfNew({ caller, owners }: Scene, maker: Owner, place: Place): Owner | undefined {
  const givesGroup = caller.seesParent(place) && (caller.mode & 0o2000) !== 0;
  const gid = givesGroup ? owners.ownerOf(caller.inode).gid : maker.gid;
  return maker.uid === 0 && gid === 0 ? undefined : { uid: maker.uid, gid };
}

/** Lets the kernel make it where it will be root's or can't be made, else leaves it to `action`. */
function makeFor(
  scene: Scene,
  placeOf: PathArgument,
  action: (place: Place, owner: Owner) => void,
): void {
  const { listener, caller } = scene;
  const maker = makerOf(scene);
  const place = maker && placeOf(scene);
  const owner = maker && place && ownerOfNew(scene, maker, place);
  if (place === undefined || owner === undefined || caller.sees(place, noFollow)) {
    listener.proceed();
  } else if (listener.isWaiting()) action(place, owner);
}

/** The same, and notes whose it is. */
function make(scene: Scene, placeOf: PathArgument, action: (place: Place) => Outcome): void {
  const { listener, caller, owners } = scene;
  makeFor(scene, placeOf, (place, owner) => {
    const made = action(place);
    if ("errno" in made) {
      listener.fail(made.errno);
      return;
    }
    const inode = caller.look(place, noFollow);
    if (inode !== undefined) owners.note(inode, owner);
    listener.succeed();
  });
}

/** open(2) with O_CREAT. */
function open(scene: Scene, placeOf: PathArgument, flags: number, mode: number): void {
  const { kernel, listener, caller, owners } = scene;
  makeFor(scene, placeOf, ({ folder, path }, owner) => {
    const allowed = mode & 0o7777 & ~caller.umask();
    // Somebody may be quicker; then it isn't new any more, and opening it could wait for ever.
    const opened = kernel.open(folder, path, flags | exclusively, allowed);
    if ("errno" in opened) {
      if (opened.errno === errnoNumber("EEXIST")) listener.proceed();
      else listener.fail(opened.errno);
      return;
    }
    const inode = caller.lookAt(opened.value);
    if (inode !== undefined) owners.note(inode, owner);
    listener.succeedWithFile(opened.value, (flags & closeOnExec) !== 0);
    kernel.close(opened.value);
  });
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
  const maker = makerOf(scene);
  const owner = (maker && ownerOfNew(scene, maker, place)) ?? { uid: 0, gid: 0 };
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

/** @param first the index of the mode among the arguments */
const makingNode =
  (placeOf: PathArgument, first: number): Answer =>
  (scene) => {
    const { kernel, listener, caller } = scene;
    const mode = listener.uint(first);
    const type = mode & typeMask;
    const device = splitDevice(BigInt(listener.uint(first + 1)));
    // A character device 0:0 is the mark of a deleted file in an overlay, and may be made.
    const isMark = type === characterDevice && device.major === 0 && device.minor === 0;
    if ((type === characterDevice || type === blockDevice) && !isMark) {
      makeDevice(scene, placeOf(scene), mode, device);
    } else {
      make(scene, placeOf, ({ folder, path }) =>
        kernel.makeNode(folder, path, mode & ~caller.umask()),
      );
    }
  };

const makingFolder =
  (placeOf: PathArgument, first: number): Answer =>
  (scene) => {
    const { kernel, listener, caller } = scene;
    make(scene, placeOf, ({ folder, path }) =>
      kernel.makeFolder(folder, path, listener.uint(first) & 0o1777 & ~caller.umask()),
    );
  };

/** symlink(TARGET, PATH), symlinkat(TARGET, FOLDER, PATH) */
const makingSymlink =
  (placeOf: PathArgument): Answer =>
  (scene) => {
    const { kernel, listener, caller } = scene;
    make(scene, placeOf, ({ folder, path }) => {
      const target = caller.text(listener.address(0));
      return target === undefined
        ? { errno: badAddress }
        : kernel.makeSymlink(target, folder, path);
    });
  };

export const newFileAnswers: Answers = {
  creat: (scene) => {
    open(scene, firstPath, create, scene.listener.uint(1));
  },
  open: (scene) => {
    open(scene, firstPath, scene.listener.int(1), scene.listener.uint(2));
  },
  openat: (scene) => {
    open(scene, secondPath, scene.listener.int(2), scene.listener.uint(3));
  },
  mkdir: makingFolder(firstPath, 1),
  mkdirat: makingFolder(secondPath, 2),
  symlink: makingSymlink(pathAt(1)),
  symlinkat: makingSymlink(pathBelow(2)),
  mknod: makingNode(firstPath, 1),
  mknodat: makingNode(secondPath, 2),
};
