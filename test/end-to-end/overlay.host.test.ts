// Scripts that work on an overlay over a kept base leave the image that they leave on a copy of it.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tsbuild } from "../helpers/build.ts";
import { listImage } from "../helpers/list-image.ts";
import { build, differences, place } from "../helpers/overlay-builds.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { serialHostTest } from "../helpers/serial-test.ts";

const script = `
    cd /data
    rm gone
    rm -r gone-folder
    rm -r replaced && mkdir replaced && echo new > replaced/new
    mv moved moved-away
    echo more >> moved-away/deep/file
    echo both >> one
    ln linked linked-too
    chmod 600 mode
    chown 3:4 owner
    mv moved-file moved-away/file
    rm to-folder && mkdir to-folder && echo x > to-folder/x
    rm -r to-file && echo file > to-file
    mkfifo pipe
    ln -s nowhere link
    mknod zero c 1 5
    echo 'daemon2:x:2:2::/:/bin/sh' >> /etc/passwd
    mkdir -p new/deep && chmod 1777 new
    chown 100000:100000 new/deep
    rm -r /usr/bin && mkdir /usr/bin && touch /usr/bin/later && rm /usr/bin/later
`;

for (const who of ["root", "a plain user with ranges"] as const) {
  serialHostTest(who, canMakeUsers, "an overlay leaves what a copy leaves", async (t) => {
    t.timeout(120_000);
    const at = await place(t, who === "root" ? undefined : plainUser());
    const sinceSeconds = Math.floor(Date.now() / 1000);
    writeFileSync(join(at.folder, "extra"), "extra\n");
    const definition = `
%setup
    touch "$APPTAINER_ROOTFS/data/from-setup"
    rm "$APPTAINER_ROOTFS/data/kept"
    ln -s ../data "$APPTAINER_ROOTFS/usr/data"

%files
    extra /data/untouched/extra
    extra /data/three

%post
${who === "root" ? script : script.replace("mv moved moved-away", "cp -a moved moved-away && rm -r moved")}

%environment
    export A=b

%test
    test -e /data/moved-away/deep/file
`;
    const first = await build(at, "first", definition);
    t.is(first.exitCode, 0, first.stderr);
    t.regex(first.stderr, /overlay over the base now kept unpacked/);
    const second = await build(at, "second", definition);
    t.is(second.exitCode, 0, second.stderr);
    t.regex(second.stderr, /overlay over the base kept unpacked/);
    const copy = await build(at, "copy", definition, ["--copy-base"]);
    t.is(copy.exitCode, 0, copy.stderr);
    t.notRegex(copy.stderr, /overlay over/);
    const [one, two, other] = ["first", "second", "copy"].map((name) =>
      join(at.folder, `${name}.sif`),
    );
    t.is(await differences(one ?? "", other ?? "", sinceSeconds), "");
    t.is(await differences(two ?? "", other ?? "", sinceSeconds), "");
    const list = await listImage(two ?? "");
    t.is(list["data/kept"], undefined);
    t.is(list["data/one"]?.sha256, list["data/two"]?.sha256, "hard links stay together");
    t.is(list["data/one"]?.sizeBytes, "one\nboth\n".length);
    t.is(list["data/far"]?.uid, 100_000);
    t.is(list["data/null"]?.device, "103");
    t.deepEqual(list["data/capable"]?.xattrs, {
      "security.capability": "0x0100000200200000000000000000000000000000",
      "user.mark": "0x6d61726b",
    });
    const left = (await readdir(at.folder)).filter((name) => name.startsWith("tsbuild-"));
    t.deepEqual(left, [], "no temporary folder is left");
  });
}

serialHostTest(
  "a plain user with ranges",
  canMakeUsers,
  "a plain user's kept bases are looked after",
  async (t) => {
    t.timeout(120_000);
    const user = plainUser();
    const at = await place(t, user);
    const cache = (...words: string[]) =>
      tsbuild(["cache", ...words], {
        cwd: at.folder,
        user,
        env: { TMPDIR: at.folder, TSBUILD_CACHEDIR: at.cache },
      });
    const made = await build(at, "made", "\n%post\n    true\n");
    t.is(made.exitCode, 0, made.stderr);
    const listed = await cache("list", "--json", "--type", "root");
    const { entries } = JSON.parse(listed.stdout) as { entries: { name: string }[] };
    t.is(entries.length, 1);
    t.regex(entries[0]?.name ?? "", /^oci:\/\/.*layout:base$/);
    const verified = await cache("verify");
    t.is(verified.exitCode, 0, verified.stdout + verified.stderr);
    t.regex(verified.stdout, /all good/);
    const inside = join(at.cache, "roots-v1");
    const [key = ""] = (await readdir(inside)).filter((name) => name.length === 64);
    writeFileSync(join(inside, key, "rootfs/etc/passwd"), "somebody was here\n");
    t.is((await cache("verify")).exitCode, 7, "what was changed is found");
    t.is((await build(at, "again", "\n%post\n    true\n")).exitCode, 0);
    const single = await build(at, "single", "\n%post\n    true\n", ["--isolation", "single"]);
    t.is(single.exitCode, 0, single.stderr);
    t.regex(single.stderr, /overlay over the base now kept unpacked/);
    t.regex(
      (await cache("verify")).stdout,
      /all good/,
      "one of a single id is looked into as well",
    );
    const cleaned = await cache("clean", "--force");
    t.is(cleaned.exitCode, 0, cleaned.stderr);
    t.deepEqual(await readdir(inside), ["incoming"]);
    t.deepEqual(await readdir(join(inside, "incoming")), []);
  },
);

serialHostTest("root", canMakeUsers, "what is not to be kept is copied", async (t) => {
  t.timeout(120_000);
  const at = await place(t);
  const post = "\n%post\n    echo x > /x\n";
  for (const words of [["--no-cache"], ["--disable-cache"], ["--copy-base"]]) {
    const run = await build(at, words[0]?.slice(2) ?? "", post, words);
    t.is(run.exitCode, 0, run.stderr);
    t.notRegex(run.stderr, /overlay/, words.join(" "));
  }
  const sandbox = await build(at, "folder", post, ["--sandbox"]);
  t.is(sandbox.exitCode, 0, sandbox.stderr);
  t.true((await readdir(join(at.folder, "folder.sif"))).includes("x"));
  t.false((await readdir(at.cache)).includes("roots-v1"));
});

serialHostTest(
  "root",
  canMakeUsers,
  "%test may write to what is thrown away, on an overlay too",
  async (t) => {
    const at = await place(t);
    const test =
      "\n%post\n    rm /data/gone\n\n%test\n    touch /data/gone /written\n    rm /data/kept\n";
    const refused = await build(at, "refused", test);
    t.not(refused.exitCode, 0);
    t.regex(refused.stderr, /Read-only file system/);
    const run = await build(at, "run", test, ["--writable-tmpfs"]);
    t.is(run.exitCode, 0, run.stderr);
    const list = await listImage(join(at.folder, "run.sif"));
    t.is(list["data/gone"], undefined);
    t.is(list["written"], undefined);
    t.is(list["data/kept"]?.type, "file");
  },
);

serialHostTest(
  "a plain user with ranges",
  canMakeUsers,
  "owners that were noted outlive the kernel's memory of inodes",
  async (t) => {
    t.timeout(120_000);
    const at = await place(t, plainUser());
    const shared = join(at.folder, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    const definition = `
%post
    chown 100000:100001 /data/mode /data/untouched
    ln /data/mode /data/mode-too
    touch /shared/changed
    until [ -e /shared/forgotten ]; do sleep 0.1; done
    [ "$(stat -c %u /data/owner)" = 0 ]
`;
    const running = build(at, "noted", definition, ["--bind", `${shared}:/shared`]);
    const ended = running.then(() => true);
    while (!existsSync(join(shared, "changed"))) {
      if (await Promise.race([ended, sleep(50, false)])) break;
    }
    // Inodes and names that nobody uses.
    writeFileSync("/proc/sys/vm/drop_caches", "2");
    writeFileSync(join(shared, "forgotten"), "");
    const run = await running;
    t.is(run.exitCode, 0, run.stderr);
    const list = await listImage(join(at.folder, "noted.sif"));
    for (const path of ["data/mode", "data/mode-too", "data/untouched"]) {
      t.like(list[path], { uid: 100_000, gid: 100_001 }, path);
    }
    t.is(list["data/mode"]?.names?.length, 2);
  },
);
