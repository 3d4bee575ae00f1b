import { spawnSync } from "node:child_process";
import { release } from "node:os";
import fc from "fast-check";
import test from "ava";
import {
  afterExec,
  isPrivileged,
  mayChown,
  rootIdentity,
  setAll,
  setFiles,
  setId,
  setRealAndEffective,
  unchanged,
  type Identity,
  type Ids,
} from "../../src/fake-root/identity.ts";
import { hostTest } from "../helpers/tool.ts";

type Step = readonly [call: "setuid" | "setreuid" | "setresuid" | "setfsuid", ...ids: number[]];

const id = fc.constantFrom(0, 1, 2, 33, unchanged);
const step: fc.Arbitrary<Step> = fc.oneof(
  id.filter((value) => value !== unchanged).map((a): Step => ["setuid", a]),
  fc.tuple(id, id).map(([a, b]): Step => ["setreuid", a, b]),
  fc.tuple(id, id, id).map(([a, b, c]): Step => ["setresuid", a, b, c]),
  id.filter((value) => value !== unchanged).map((a): Step => ["setfsuid", a]),
);

/** Real, effective, saved, and that of files, after each step, as the kernel has it. */
const python = `
import ctypes, json, os, sys
libc = ctypes.CDLL(None)
answers = []
for steps in json.load(sys.stdin):
    read, write = os.pipe()
    if os.fork() == 0:
        seen = []
        for call, *ids in steps:
            getattr(libc, call)(*[ctypes.c_uint32(one) for one in ids])
            line = [l for l in open("/proc/self/status") if l.startswith("Uid:")][0]
            seen.append([int(word) for word in line.split()[1:]])
        os.write(write, json.dumps(seen).encode())
        os._exit(0)
    os.close(write)
    answers.append(json.loads(os.fdopen(read).read()))
    os.wait()
print(json.dumps(answers))
`;

function modelled(steps: readonly Step[]): number[][] {
  let ids: Ids = rootIdentity.users;
  return steps.map(([call, a = 0, b = 0, c = 0]) => {
    const privileged = isPrivileged({ ...rootIdentity, users: ids });
    const next =
      call === "setuid"
        ? setId(ids, a, privileged)
        : call === "setreuid"
          ? setRealAndEffective(ids, a, b, privileged)
          : call === "setresuid"
            ? setAll(ids, [a, b, c], privileged)
            : setFiles(ids, a, privileged);
    ids = next ?? ids;
    return [ids.real, ids.effective, ids.saved, ids.files];
  });
}

hostTest(
  "root, python3",
  process.geteuid?.() === 0,
  "users change as the kernel changes them",
  (t) => {
    // Linux before 6.3 sets the id of files in a setresuid(2) that changes nothing else, too.
    const [major = 0, minor = 0] = release().split(".").map(Number);
    const isNew = major > 6 || (major === 6 && minor >= 3);
    const runs = fc
      .sample(fc.array(step, { minLength: 1, maxLength: 6 }), 400)
      .filter((steps) => isNew || !steps.slice(0, -1).some(([call]) => call === "setfsuid"));
    const { stdout, stderr } = spawnSync("python3", ["-c", python], {
      input: JSON.stringify(runs),
      encoding: "utf8",
    });
    t.is(stderr, "");
    const real = JSON.parse(stdout) as number[][][];
    t.is(real.length, runs.length);
    for (const [index, steps] of runs.entries()) {
      t.deepEqual(modelled(steps), real[index], JSON.stringify(steps));
    }
  },
);

const alice: Identity = {
  users: { real: 1000, effective: 1000, saved: 1000, files: 1000 },
  groups: { real: 1000, effective: 1000, saved: 1000, files: 1000 },
  supplementary: [27],
};

test("a set-id program lends its owner's ids, and what acted before is not saved", (t) => {
  t.deepEqual(afterExec(alice, { user: 0 }).users, {
    real: 1000,
    effective: 0,
    saved: 0,
    files: 0,
  });
  t.deepEqual(afterExec(alice, { group: 42 }).groups, {
    real: 1000,
    effective: 42,
    saved: 42,
    files: 42,
  });
  const dropped: Identity = {
    ...rootIdentity,
    users: { real: 0, effective: 5, saved: 0, files: 5 },
  };
  t.deepEqual(afterExec(dropped, {}).users, { real: 0, effective: 5, saved: 5, files: 5 });
});

test("an owner may give a file to a group that he is in, and only root may give it away", (t) => {
  const file = { uid: 1000, gid: 1000 };
  t.true(mayChown(alice, file, { uid: 1000, gid: 27 }));
  t.true(mayChown(alice, file, file));
  t.false(mayChown(alice, file, { uid: 1000, gid: 28 }));
  t.false(mayChown(alice, file, { uid: 0, gid: 1000 }));
  t.false(mayChown(alice, { uid: 0, gid: 0 }, { uid: 1000, gid: 1000 }));
  t.true(mayChown(rootIdentity, file, { uid: 7, gid: 8 }));
});
