import type { Answers, Scene } from "./answer.ts";
import type { Place } from "./caller.ts";
import { currentFolder, emptyPath, noFollow } from "./kernel.ts";
import { changeStatx, statOf } from "./stat-layout.ts";

/** How a file with a noted owner looks. Of all others the kernel tells. */
function tell(
  scene: Scene,
  place: Place | undefined,
  flags: number,
  address: number,
  form: "stat" | "statx",
): void {
  const { listener, caller, owners } = scene;
  // Nearly always there is nothing noted, so the number of the inode is looked at first.
  const mayBe =
    place !== undefined && caller.sees(place, flags) && owners.mayKnow(caller.inodeNumber);
  const noted = mayBe ? owners.noted(caller.inode) : undefined;
  if (noted === undefined) {
    listener.proceed();
    return;
  }
  changeStatx(caller.statx, noted, noted.device);
  const bytes = form === "statx" ? caller.statx : statOf(caller.statx, listener.architecture);
  if (caller.write(address, bytes)) listener.succeed();
  else listener.proceed();
}

const byPath =
  (flags: number) =>
  (scene: Scene): void => {
    const { listener, caller } = scene;
    const place = caller.place(currentFolder, listener.address(0));
    tell(scene, place, flags, listener.address(1), "stat");
  };

export const statAnswers: Answers = {
  stat: byPath(0),
  lstat: byPath(noFollow),
  fstat: (scene) => {
    const { listener, caller } = scene;
    tell(scene, caller.opened(listener.int(0)), 0, listener.address(1), "stat");
  },
  newfstatat: (scene) => {
    const { listener, caller } = scene;
    const flags = listener.int(3);
    const empty = (flags & emptyPath) !== 0;
    const place = caller.place(listener.int(0), listener.address(1), empty);
    tell(scene, place, flags & noFollow, listener.address(2), "stat");
  },
  statx: (scene) => {
    const { listener, caller } = scene;
    const flags = listener.int(2);
    const empty = (flags & emptyPath) !== 0;
    const place = caller.place(listener.int(0), listener.address(1), empty);
    tell(scene, place, flags & noFollow, listener.address(4), "statx");
  },
};
