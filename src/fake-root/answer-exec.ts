import type { Answers, Scene } from "./answer.ts";
import type { Place } from "./caller.ts";
import { afterExec, rootIdentity } from "./identity.ts";
import { currentFolder, emptyPath } from "./kernel.ts";

const fileType = 0o100_000;

/** Another program is about to start: set-id bits lend the owner's ids (execve(2)). */
function start(scene: Scene, place: Place | undefined): void {
  const { listener, caller, identities, owners } = scene;
  const inode = place === undefined ? undefined : caller.look(place, 0);
  const identity = identities.of(listener.pid);
  if (inode !== undefined && (caller.mode & 0o170_000) === fileType) {
    const owner = owners.ownerOf(inode);
    const next = afterExec(identity, {
      user: (caller.mode & 0o4000) === 0 ? undefined : owner.uid,
      group: (caller.mode & 0o2010) === 0o2010 ? owner.gid : undefined,
    });
    if (identity !== rootIdentity || JSON.stringify(next) !== JSON.stringify(identity)) {
      identities.change(listener.pid, next);
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
