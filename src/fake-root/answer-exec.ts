import type { Answers, Scene } from "./answer.ts";
import type { Place } from "./caller.ts";
import { afterExec, rootIdentity } from "./identity.ts";
import { currentFolder, emptyPath } from "./kernel.ts";

const fileType = 0o100_000;

/** Another program is about to start: set-id bits lend the owner's ids (execve(2)). */
function start({ listener, caller, identities, owners }: Scene, place: Place | undefined): void {
  const identity = identities.of(listener.pid);
  if (place !== undefined && caller.sees(place, 0) && (caller.mode & 0o170_000) === fileType) {
    const { mode } = caller;
    const lent = (mode & 0o6000) === 0 ? undefined : owners.ownerOf(caller.inode);
    // Nearly always root starts what just runs as root.
    if (lent !== undefined || identity !== rootIdentity) {
      const next = afterExec(identity, {
        user: (mode & 0o4000) === 0 ? undefined : lent?.uid,
        group: (mode & 0o2010) === 0o2010 ? lent?.gid : undefined,
      });
      if (JSON.stringify(next) !== JSON.stringify(identity)) {
        identities.change(listener.pid, next);
      }
    }
  }
  listener.proceed();
}

export const execAnswers: Answers = {
  execve: (scene) => {
    start(scene, scene.caller.place(currentFolder, scene.listener.address(0)));
  },
  execveat: (scene) => {
    const { listener, caller } = scene;
    const empty = (listener.int(4) & emptyPath) !== 0;
    start(scene, caller.place(listener.int(0), listener.address(1), empty));
  },
};
