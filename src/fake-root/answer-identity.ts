import type { Answer, Answers, Scene } from "./answer.ts";
import {
  isPrivileged,
  setAll,
  setFiles,
  setId,
  setRealAndEffective,
  type Identity,
  type Ids,
} from "./identity.ts";
import { errnoNumber } from "./kernel.ts";

const [notPermitted, badAddress, invalid] = ["EPERM", "EFAULT", "EINVAL"].map((name) =>
  errnoNumber(name),
) as [number, number, number];

/** More supplementary groups the kernel doesn't take either (NGROUPS_MAX). */
const mostGroups = 65_536;

type Kind = "users" | "groups";

/** Changes the ids of one kind as `change` says; undefined is refused. */
const changing =
  (
    kind: Kind,
    change: (ids: Ids, argument: (index: number) => number, privileged: boolean) => Ids | undefined,
  ): Answer =>
  ({ listener, identities }) => {
    const identity = identities.of(listener.pid);
    const ids = change(identity[kind], (index) => listener.uint(index), isPrivileged(identity));
    if (ids === undefined) listener.fail(notPermitted);
    else {
      // A kernel that keeps no identities for us gets the old answer: it worked, and nothing changed.
      if (!isSame(ids, identity[kind]))
        identities.change(listener.pid, { ...identity, [kind]: ids });
      listener.succeed();
    }
  };

function isSame(a: Ids, b: Ids): boolean {
  return (
    a.real === b.real && a.effective === b.effective && a.saved === b.saved && a.files === b.files
  );
}

const setting = (kind: Kind): Answer =>
  changing(kind, (ids, argument, privileged) => setId(ids, argument(0), privileged));

const settingTwo = (kind: Kind): Answer =>
  changing(kind, (ids, argument, privileged) =>
    setRealAndEffective(ids, argument(0), argument(1), privileged),
  );

const settingAll = (kind: Kind): Answer =>
  changing(kind, (ids, argument, privileged) =>
    setAll(ids, [argument(0), argument(1), argument(2)], privileged),
  );

/** Gives the id from before, whether or not it worked. */
const settingFiles =
  (kind: Kind): Answer =>
  ({ listener, identities }) => {
    const identity = identities.of(listener.pid);
    const ids = setFiles(identity[kind], listener.uint(0), isPrivileged(identity));
    if (!isSame(ids, identity[kind])) identities.change(listener.pid, { ...identity, [kind]: ids });
    listener.succeed(identity[kind].files);
  };

const telling =
  (tell: (identity: Identity) => number): Answer =>
  ({ listener, identities }) => {
    listener.succeed(tell(identities.of(listener.pid)));
  };

const tellingAll =
  (kind: Kind): Answer =>
  ({ listener, caller, identities }) => {
    const { real, effective, saved } = identities.of(listener.pid)[kind];
    const places = [real, effective, saved].map((id, index) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(id);
      return caller.write(listener.address(index), bytes);
    });
    if (places.every(Boolean)) listener.succeed();
    else listener.fail(badAddress);
  };

function setGroups({ listener, caller, identities }: Scene): void {
  const identity = identities.of(listener.pid);
  const count = listener.uint(0);
  if (!isPrivileged(identity)) {
    listener.fail(notPermitted);
    return;
  }
  if (count > mostGroups) {
    listener.fail(invalid);
    return;
  }
  const bytes = count === 0 ? Buffer.alloc(0) : caller.read(listener.address(1), count * 4);
  if (bytes === undefined) listener.fail(badAddress);
  else {
    const supplementary = Array.from({ length: count }, (_, index) =>
      bytes.readUInt32LE(index * 4),
    );
    const isNew = supplementary.join() !== identity.supplementary.join();
    if (isNew) identities.change(listener.pid, { ...identity, supplementary });
    listener.succeed();
  }
}

function getGroups({ listener, caller, identities }: Scene): void {
  const { supplementary } = identities.of(listener.pid);
  const room = listener.int(0);
  const bytes = Buffer.alloc(supplementary.length * 4);
  for (const [index, id] of supplementary.entries()) bytes.writeUInt32LE(id, index * 4);
  if (room !== 0 && room < supplementary.length) listener.fail(invalid);
  else if (room !== 0 && bytes.length > 0 && !caller.write(listener.address(1), bytes)) {
    listener.fail(badAddress);
  } else listener.succeed(supplementary.length);
}

export const identityAnswers: Answers = {
  setuid: setting("users"),
  setgid: setting("groups"),
  setreuid: settingTwo("users"),
  setregid: settingTwo("groups"),
  setresuid: settingAll("users"),
  setresgid: settingAll("groups"),
  setfsuid: settingFiles("users"),
  setfsgid: settingFiles("groups"),
  setgroups: setGroups,
  getuid: telling(({ users }) => users.real),
  geteuid: telling(({ users }) => users.effective),
  getgid: telling(({ groups }) => groups.real),
  getegid: telling(({ groups }) => groups.effective),
  getresuid: tellingAll("users"),
  getresgid: tellingAll("groups"),
  getgroups: getGroups,
};
