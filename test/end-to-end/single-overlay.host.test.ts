// Scripts of a user with one id work on an overlay, and leave the owners that they leave on a copy.

import { chmodSync, chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { tsbuild } from "../helpers/build.ts";
import { listImage } from "../helpers/list-image.ts";
import { build, differences, place, type Place } from "../helpers/overlay-builds.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";

const who = "a plain user with one id";

const post = `
    cd /data
    [ "$(stat -c %u:%g kept)" = 7:8 ]
    [ "$(stat -c %u:%g untouched)" = 9:9 ]
    rm gone
    rm -r gone-folder untouched/file
    mkdir untouched/below && touch untouched/new
    rm -r replaced && mkdir replaced && chown 31:32 replaced && echo new > replaced/new
    rm -r to-file && echo file > to-file && chown 33:34 to-file
    rm to-folder && mkdir to-folder && echo x > to-folder/x
    cp -a moved moved-away && rm -r moved && chown -R 35:36 moved-away
    echo both >> one && chown 37:38 two
    ln linked linked-too && chown 39:40 linked
    chmod 600 mode && chown 1:2 mode && chown :3 mode && mv mode moved-mode
    chown 3:4 owner && chown 0:0 owner
    chown 5 moved-file && mv moved-file moved-away/file
    ln moved-away/file file-too && chown :6 file-too
    chown 0:0 far && chown 100002 far
    echo more >> capable
    rm closed && mkdir closed && chown 41:42 closed && chmod 700 closed
    chown -h 43:44 ../bin/sh
    mkfifo pipe && ln -s nowhere link && chown -h 45:46 link pipe
    mknod zero c 1 5 && chown 47 zero
    mkdir -m 2775 shared && chown :48 shared && touch shared/in && mkdir shared/below
    echo 'daemon2:x:49:50::/:/bin/sh' >> /etc/passwd
    mkdir -m 777 theirs && su daemon2 -c 'touch /data/theirs/file; mkdir /data/theirs/folder; cp /etc/hosts /data/theirs'
    chown -R 51:52 /usr && chown 53:54 / /tmp
    [ "$(stat -c %u:%g /usr/bin far moved-mode | tr '\\n' ' ')" = '51:52 100002:0 1:3 ' ]
`;

const definition = `
%setup
    touch "$APPTAINER_ROOTFS/data/from-setup"
    chown 61:62 "$APPTAINER_ROOTFS/data/from-setup" "$APPTAINER_ROOTFS/data/three"
    rm "$APPTAINER_ROOTFS/data/null"

%post${post}
%test
    [ "$(stat -c %u /data/three)" = 61 ]
`;

/** A folder of the user's on another file system than the cache. */
async function elsewhere(t: Parameters<typeof scratch>[0], at: Place): Promise<string> {
  const folder = await scratch(t, "/dev/shm");
  chmodSync(folder, 0o755);
  chownSync(folder, at.user?.uid ?? 0, at.user?.gid ?? 0);
  return folder;
}

for (const [where, before, isElsewhere] of [
  ["", undefined, false],
  [", as root of a user namespace", 'exec unshare --user --map-root-user -- "$@"', false],
  [", with temporary files on another file system", undefined, true],
] as const) {
  serialHostTest(who, canMakeUsers, `an overlay leaves what a copy leaves${where}`, async (t) => {
    t.timeout(120_000);
    const made = await place(t, plainUser("without ranges"));
    const at = {
      ...made,
      ...(before === undefined ? {} : { before }),
      ...(isElsewhere ? { temporary: await elsewhere(t, made) } : {}),
    };
    const sinceSeconds = Math.floor(Date.now() / 1000);
    const over = await build(at, "over", definition, ["--isolation=single"]);
    t.is(over.exitCode, 0, over.stderr);
    t.regex(over.stderr, /overlay over the base now kept unpacked/);
    const copy = await build(at, "copy", definition, ["--isolation=single", "--copy-base"]);
    t.is(copy.exitCode, 0, copy.stderr);
    t.notRegex(copy.stderr, /overlay over/);
    const [a, b] = ["over", "copy"].map((name) => join(at.folder, `${name}.sif`));
    t.is(await differences(a ?? "", b ?? "", sinceSeconds), "");
    const list = await listImage(a ?? "");
    const owners = Object.fromEntries(
      ["kept", "far", "moved-mode", "moved-away/file", "file-too", "three", "theirs/file"].map(
        (name) => [name, `${list[`data/${name}`]?.uid}:${list[`data/${name}`]?.gid}`],
      ),
    );
    t.deepEqual(owners, {
      kept: "7:8",
      far: "100002:0",
      "moved-mode": "1:3",
      "moved-away/file": "5:6",
      "file-too": "5:6",
      three: "61:62",
      "theirs/file": "49:50",
    });
    t.is(list["data/zero"]?.device, "105");
    const left = (await readdir(at.temporary)).filter((name) => name.startsWith("tsbuild-"));
    t.deepEqual(left, [], "no temporary folder is left");
  });
}

for (const isElsewhere of [false, true]) {
  serialHostTest(
    who,
    canMakeUsers,
    `owners outlive the kernel's memory of inodes, for scripts too, ${isElsewhere ? "on two file systems" : "on one file system"}`,
    async (t) => {
      t.timeout(120_000);
      const made = await place(t, plainUser("without ranges"));
      const at = isElsewhere ? { ...made, temporary: await elsewhere(t, made) } : made;
      const shared = join(at.folder, "shared");
      mkdirSync(shared);
      chmodSync(shared, 0o777);
      const paths = ["mode", "mode-too", "untouched", "owner-moved", "new", "kept", "far"];
      const run = await whileForgotten(
        build(
          at,
          "noted",
          `
%post
    cd /data
    chown 21:22 mode untouched && ln mode mode-too
    chown 21:22 owner && mv owner owner-moved
    mkdir new && chown 21:22 new
    touch /shared/changed
    until [ -e /shared/forgotten ]; do sleep 0.1; done
    stat -c '%n %u:%g' ${paths.join(" ")}
    chown :23 mode owner-moved untouched
`,
          ["--isolation=single", "--bind", `${shared}:/shared`],
        ),
        shared,
      );
      t.is(run.exitCode, 0, run.stderr);
      t.regex(run.stderr, /overlay over the base now kept unpacked/);
      const seen = run.stdout.split("\n").filter((line) => / \d+:\d+$/.test(line));
      t.deepEqual(
        seen,
        ["mode", "mode-too", "untouched", "owner-moved", "new"]
          .map((name) => `${name} 21:22`)
          .concat(["kept 7:8", "far 100000:100001"]),
      );
      const list = await listImage(join(at.folder, "noted.sif"));
      for (const name of ["mode", "mode-too", "untouched", "owner-moved"]) {
        t.like(list[`data/${name}`], { uid: 21, gid: 23 }, name);
      }
      t.like(list["data/new"], { uid: 21, gid: 22 });
      t.is(list["data/mode"]?.names?.length, 2);
    },
  );
}

/** Has the kernel forget inodes that nobody uses once a script asks for it. */
async function whileForgotten<T>(running: Promise<T>, shared: string): Promise<T> {
  const ended = running.then(() => true);
  while (!existsSync(join(shared, "changed"))) {
    if (await Promise.race([ended, sleep(50, false)])) return running;
  }
  writeFileSync("/proc/sys/vm/drop_caches", "2");
  writeFileSync(join(shared, "forgotten"), "");
  return running;
}

serialHostTest(who, canMakeUsers, "a kept base is its owner's to remove", async (t) => {
  t.timeout(120_000);
  const user = plainUser("without ranges");
  const at = await place(t, user);
  const run = await build(at, "made", "\n%post\n    true\n", ["--isolation=single"]);
  t.is(run.exitCode, 0, run.stderr);
  const { stdout: others } = await execa("find", [at.cache, "!", "-user", user.name]);
  t.is(others, "", "all of it is the user's own");
  // Where nothing makes user namespaces any more, too.
  const programs = join(at.folder, "programs");
  mkdirSync(programs);
  symlinkSync("/bin/rm", join(programs, "rm"));
  const cleaned = await tsbuild(["cache", "clean", "--force", "--type", "root"], {
    cwd: at.folder,
    user,
    before: `PATH=${programs}`,
    env: { TSBUILD_CACHEDIR: at.cache },
  });
  t.is(cleaned.exitCode, 0, cleaned.stdout + cleaned.stderr);
  t.deepEqual(await readdir(join(at.cache, "roots-v1")), ["incoming"], cleaned.stdout);
  t.deepEqual(await readdir(join(at.cache, "roots-v1/incoming")), []);
});

serialHostTest(
  who,
  canMakeUsers,
  "where an overlay can't note what is gone, scripts work on a copy",
  async (t) => {
    t.timeout(120_000);
    const made = await place(t, plainUser("without ranges"));
    const temporary = join(made.folder, "memory");
    mkdirSync(temporary);
    await execa("mount", ["-t", "ramfs", "ramfs", temporary]);
    t.teardown(() => execa("umount", [temporary]));
    chownSync(temporary, made.user?.uid ?? 0, made.user?.gid ?? 0);
    const definition = "\n%post\n    rm -r /data/moved && mkdir /data/moved\n";
    const run = await build({ ...made, temporary }, "copied", definition, ["--isolation=single"]);
    t.is(run.exitCode, 0, run.stderr);
    t.regex(run.stderr, /on a copy of the base: .* has no attributes \(user\.\*\)/);
    const list = await listImage(join(made.folder, "copied.sif"));
    t.is(list["data/moved"]?.type, "directory");
    t.is(list["data/moved/other"], undefined);
  },
);
