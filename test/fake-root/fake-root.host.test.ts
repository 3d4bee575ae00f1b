import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { canMakeUsers } from "../helpers/plain-user.ts";
import { runDriver } from "../helpers/run-driver.ts";
import type { DriverAnswer, DriverRequest } from "../helpers/script-driver.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = canMakeUsers && ["busybox", "gcc"].every((name) => isInstalled(name));
const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
chmodSync(folder, 0o755);
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function fakeRootTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  hostTest("root, busybox, gcc", isPossible, `a user with one id: ${title}`, body);
}

/** Runs one `%post` as a user without ranges. */
async function post(
  t: ExecutionContext,
  body: string,
  look: readonly string[] = [],
  more: Partial<DriverRequest> = {},
): Promise<DriverAnswer> {
  const request = { way: "single", scripts: [{ section: "post" as const, body }], look, ...more };
  const answer = await runDriver(request);
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  return answer;
}

/** Compiles a program that runs in any root file system. */
function program(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(`${file}.c`, text);
  execFileSync("gcc", ["-O1", "-static", "-pthread", "-o", file, `${file}.c`]);
  return file;
}

const owners = ({ nodes }: DriverAnswer): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(nodes).map(([path, node]) => [
      path,
      node === null ? undefined : `${node.uid}:${node.gid}`,
    ]),
  );

fakeRootTest("owners go with a file, and not with its name or number", async (t) => {
  const body = `
touch /moved /kept /gone /again /linked
chown 5:6 /moved; mv /moved /to
chown 7:8 /linked; ln /linked /second
for i in 1 2 3 4 5 6 7 8; do touch /gone; chown 9:9 /gone; rm /gone; done; touch /gone
chown 11 /kept; chown :12 /kept
chown 13:13 /again; chown 0:0 /again
echo more >> /to; chmod 600 /to
mkdir /folder; chown 14:15 /folder; touch /folder/in
chown -h 16:17 /nowhere 2> /dev/null || ln -s nowhere /link; chown -h 16:17 /link
`;
  const look = ["to", "linked", "second", "gone", "kept", "again", "folder", "folder/in", "link"];
  const answer = await post(t, body, look);
  t.deepEqual(owners(answer), {
    to: "5:6",
    linked: "7:8",
    second: "7:8",
    gone: "0:0",
    kept: "11:12",
    again: "0:0",
    folder: "14:15",
    "folder/in": "0:0",
    link: "16:17",
  });
  t.is(answer.nodes["to"]?.mode, "600");
});

fakeRootTest("calls fail as they do for root", async (t) => {
  const { stdout } = await post(
    t,
    `
chown 5:5 /missing 2>&1 || echo missing
chown 5:5 /etc/hosts/below 2>&1 || echo below
touch /file; chmod 6755 /file; chown 5:5 /file; stat -c %a /file
mknod /file b 8 0 2>&1 || echo exists
su daemon -c 'chown 3:3 /file' 2>&1 || echo refused
su daemon -c 'mknod /disk b 8 0' 2>&1 || echo refused
su daemon -c 'chown 0:0 /etc/hosts' 2>&1 || echo refused
`,
  );
  t.deepEqual(
    stdout.filter((line) => !line.includes(": ")),
    ["missing", "below", "755", "exists", "refused", "refused", "refused"],
  );
});

fakeRootTest(
  "who a process is goes with all that it starts, and what it makes is that one's",
  async (t) => {
    const body = `
chmod 777 /root; cd /root
su daemon -c 'id -u; touch a; mkdir b; ln -s a c; mkfifo d; (setsid sh -c "sleep 0.3; touch late" &) ; cp /etc/passwd copy; id -g'
sleep 1
id -u; touch mine
cp /making /bin/lent; chown daemon:daemon /bin/lent; chmod 6755 /bin/lent
/bin/lent theirs
cp /making /bin/back; chmod 4755 /bin/back
su daemon -c '/bin/back roots'
`;
    const making = program(
      "making",
      `#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
  printf("%d %d\\n", geteuid(), getuid());
  return count < 2 || open(words[1], O_CREAT | O_WRONLY, 0644) < 0;
}
`,
    );

    const names = ["a", "b", "c", "d", "late", "copy", "mine", "theirs", "roots"];
    const answer = await post(
      t,
      body,
      names.map((name) => `root/${name}`),
      {
        binds: [{ source: making, destination: "/making", readOnly: true }],
      },
    );
    t.deepEqual(answer.stdout, ["1", "1", "0", "1 0", "0 1"]);
    t.deepEqual(owners(answer), {
      "root/a": "1:1",
      "root/b": "1:1",
      "root/c": "1:1",
      "root/d": "1:1",
      "root/late": "1:1",
      "root/copy": "1:1",
      "root/mine": "0:0",
      "root/theirs": "1:1",
      "root/roots": "0:1",
    });
  },
);

fakeRootTest("directories give their group to what is made in them", async (t) => {
  const body = `
mkdir /shared; chown 0:50 /shared; chmod 2775 /shared
touch /shared/file; mkdir /shared/below; touch /shared/below/file; ln -s x /shared/link
mkdir /shared/slashes//; cd /shared; touch here; mkdir -p below/far; cd below/far; touch ../up; echo a > ./a
`;
  const look = ["shared/file", "shared/below", "shared/below/file", "shared/link"]
    .concat(["shared/slashes", "shared/here", "shared/below/far", "shared/below/up"])
    .concat(["shared/below/far/a"]);
  const answer = await post(t, body, look);
  t.deepEqual(new Set(Object.values(owners(answer))), new Set(["0:50"]));
  t.is(answer.nodes["shared/below"]?.mode, "2775");
});

fakeRootTest("devices are remembered, and look like devices", async (t) => {
  const body = `
mknod /disk b 8 1; mknod /null c 1 3; chmod 600 /disk; chown 0:6 /disk
stat -c '%F %t %T %u:%g %a' /disk; [ -b /disk ]; [ -c /null ]; [ ! -f /null ]
mv /disk /moved; mknod /written c 1 3; echo text > /written
`;
  const answer = await post(t, body, ["moved", "null", "written"]);
  t.deepEqual(answer.stdout, ["block special file 8 1 0:6 600"]);
  t.like(answer.nodes["moved"], { type: "block-device", uid: 0, gid: 6, mode: "600" });
  t.like(answer.nodes["null"], { type: "character-device" });
  t.like(answer.nodes["written"], { type: "file" });
});

fakeRootTest(
  "arguments are read where they lie, and calls without a folder start where the caller is",
  async (t) => {
    const argumentsProgram = program(
      "arguments",
      `#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#define CHECK(what) if (!(what)) return __LINE__ % 256;
int main(void) {
  struct stat seen;
  char *pages = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 2 * 4096, 4096);
  const char name[] = "/arguments/at-the-end";
  CHECK(!close(open(name, O_CREAT | O_WRONLY, 0644)))
  char *last = strcpy(pages + 2 * 4096 - sizeof name, name);
  CHECK(!chown(last, 5, 6))
  char *across = strcpy(pages + 4096 - 7, name);
  CHECK(!stat(across, &seen) && seen.st_uid == 5 && seen.st_gid == 6)
  char *unended = memset(pages + 4096, '/', 4096);
  CHECK(chown(unended, 7, 7) == -1)
  char *slashes = memset(pages, '/', 4090);
  strcpy(slashes + 4000, name);
  CHECK(!lchown(slashes, 8, 9))
  CHECK(!stat(name, &seen) && seen.st_uid == 8 && seen.st_gid == 9)
  strcpy(memset(pages, '/', 4090) + 4090, name);
  CHECK(chown(slashes, 7, 7) == -1)
  gid_t groups[1000], found[1000];
  for (int i = 0; i < 1000; i++) groups[i] = 3 * i;
  CHECK(!setgroups(1000, groups))
  CHECK(getgroups(0, 0) == 1000 && getgroups(1000, found) == 1000)
  CHECK(!memcmp(groups, found, sizeof groups))
  CHECK(syscall(SYS_setgroups, 3, (gid_t *)8) == -1)
  CHECK(!chdir("/arguments") && !setresuid(33, 33, 33))
#ifdef SYS_creat
  CHECK(syscall(SYS_creat, "created", 0644) >= 0)
#else
  CHECK(open("created", O_CREAT | O_WRONLY, 0644) >= 0)
#endif
  CHECK(stat("created", &seen) == 0 && seen.st_uid == 33)
  return 0;
}
`,
    );
    const answer = await post(
      t,
      "mkdir -m 777 /arguments; cp /arguments-program /run; /run\n",
      ["arguments/at-the-end", "arguments/created"],
      { binds: [{ source: argumentsProgram, destination: "/arguments-program", readOnly: true }] },
    );
    t.deepEqual(owners(answer), { "arguments/at-the-end": "8:9", "arguments/created": "33:0" });
  },
);

fakeRootTest("who a process is stays with it, however many there are and were", async (t) => {
  const { stdout } = await post(
    t,
    `
count() { sort | uniq -c | while read -r number user; do echo "$number $user"; done; }
{ for i in $(seq 40); do su daemon -c 'sleep 1; id -u' & { sleep 1; id -u; } & done; wait; } | count
for i in $(seq 60); do su daemon -c 'id -u'; id -u; done | count
`,
  );
  t.deepEqual(stdout.toSorted(), ["40 0", "40 1", "60 0", "60 1"]);
});

fakeRootTest("many at once, with threads, each get their own answer", async (t) => {
  const threads = program(
    "threads",
    `#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *work(void *argument) {
  long number = (long)argument;
  char name[64];
  struct stat seen;
  for (int i = 0; i < 40; i++) {
    sprintf(name, "/threads/%ld-%d", number, i);
    int file = open(name, O_CREAT | O_WRONLY | O_EXCL, 0644);
    if (file < 0 || fchown(file, 100 + number, 200 + i)) return (void *)1;
    if (fstat(file, &seen) || seen.st_uid != 100 + number || seen.st_gid != 200 + i) return (void *)2;
    close(file);
    if (lstat(name, &seen) || seen.st_uid != 100 + number || seen.st_gid != 200 + i) return (void *)3;
  }
  if (number == 3 && (syscall(SYS_setresuid, 33, 33, 33) || syscall(SYS_getuid) != 33)) return (void *)4;
  if (number == 4 && syscall(SYS_getuid) != 0) return (void *)5;
  return 0;
}
int main(void) {
  pthread_t threads[8];
  long bad = 0;
  for (long i = 0; i < 8; i++) pthread_create(&threads[i], 0, work, (void *)i);
  for (int i = 0; i < 8; i++) {
    void *result;
    pthread_join(threads[i], &result);
    if (result) bad = (long)result;
  }
  return bad;
}
`,
  );
  const answer = await post(
    t,
    "mkdir /threads; cp /threads-program /run; for i in 1 2 3; do rm -f /threads/*; /run; done\n",
    ["threads/0-0", "threads/7-39", "threads/4-10"],
    { binds: [{ source: threads, destination: "/threads-program", readOnly: true }] },
  );
  t.deepEqual(owners(answer), {
    "threads/0-0": "100:200",
    "threads/7-39": "107:239",
    "threads/4-10": "104:210",
  });
});

fakeRootTest(
  "paths mean what they mean to the caller: other folders, links, other roots",
  async (t) => {
    const body = `
mkdir -p /inner/bin /inner/etc /work; cp /bin/busybox /inner/bin/; touch /inner/etc/f /etc/f /work/f
ln -s /etc/f /inner/link; ln -s /etc/f /link
for name in sh chown touch; do ln -s busybox /inner/bin/$name; done
cd /work; chown 5:5 f; chown 6:6 ../etc/f
chroot /inner /bin/sh -c 'chown 7:7 /etc/f; cd /etc; touch new; chown 8:8 new'
chown 9:9 /link
touch /work/g; exec 9< /work/g; chown 10:10 /proc/self/fd/9
`;
    const look = ["work/f", "etc/f", "inner/etc/f", "inner/etc/new", "work/g", "link"];
    const answer = await post(t, body, look);
    t.deepEqual(owners(answer), {
      "work/f": "5:5",
      "etc/f": "9:9",
      "inner/etc/f": "7:7",
      "inner/etc/new": "8:8",
      "work/g": "10:10",
      link: "0:0",
    });
  },
);

fakeRootTest("a script on the host gives away what is in the root file system", async (t) => {
  const answer = await runDriver({
    way: "single",
    scripts: [
      {
        section: "setup",
        body: 'touch "$APPTAINER_ROOTFS/made"; chown 21:22 "$APPTAINER_ROOTFS/made"\n',
      },
      { section: "post", body: "stat -c %u:%g /made\n" },
    ],
    look: ["made"],
  });
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  t.deepEqual(answer.stdout, ["21:22"]);
  t.deepEqual(owners(answer), { made: "21:22" });
});
