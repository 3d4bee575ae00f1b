import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { canMakeUsers } from "../helpers/plain-user.ts";
import { eventually, processesWith } from "../helpers/processes.ts";
import { runDriver, startDriver } from "../helpers/run-driver.ts";
import type { DriverAnswer, DriverRequest } from "../helpers/script-driver.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = canMakeUsers && isInstalled("busybox");

function containerTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  hostTest("root, busybox", isPossible, `root of a container without namespaces: ${title}`, body);
}

const post = (body: string, more: Partial<DriverRequest> = {}): Promise<DriverAnswer> =>
  runDriver({ way: "chroot", scripts: [{ section: "post", body }], ...more });

containerTest("%post has devices, folders and name servers that are gone after", async (t) => {
  const body = `
id -u; pwd; umask
echo x > /dev/null; head -c 3 /dev/zero | wc -c; test -c /dev/urandom
echo x > /tmp/f; echo x > /var/tmp/f; stat -c %a /tmp; ls /tmp
echo added >> /etc/hosts; tail -n 1 /etc/hosts
rm /etc/resolv.conf
touch /owned; chown 33:44 /owned; mknod /disk b 8 0
mkdir /new; chmod 0 /new
`;
  const answer = await post(body, {
    look: ["owned", "disk", "etc/hosts", "etc/resolv.conf", "new"],
    files: { "tmp/kept": "kept", "etc/hosts": "the image's own\n" },
  });
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  t.is(answer.way, "chroot");
  t.deepEqual(answer.stdout, ["0", "/", "0002", "3", "1777", "f", "added"]);
  t.like(answer.nodes["owned"], { uid: 33, gid: 44 });
  t.like(answer.nodes["disk"], { type: "block-device" });
  t.like(answer.nodes["new"], { mode: "0" });
  t.truthy(answer.nodes["etc/resolv.conf"]);
  t.true(answer.paths.includes("tmp/kept"));
  for (const path of ["tmp/f", "var/tmp/f", "dev/null", ".post.script"]) {
    t.false(answer.paths.includes(path), path);
  }
});

containerTest("%test has a copy of which nothing is kept", async (t) => {
  const body = "touch /x; echo changed > /etc/passwd; echo done\n";
  const answer = await runDriver({
    way: "chroot",
    scripts: [
      { section: "test", body },
      { section: "post", body: "head -n 1 /etc/passwd\n" },
    ],
    files: { ".singularity.d/test": `#!/bin/sh\n\n${body}` },
  });
  t.is(answer.error, undefined, answer.stderr.join("\n"));
  t.deepEqual(answer.stdout, ["done", "root:x:0:0:root:/root:/bin/sh"]);
  t.false(answer.paths.includes("x"));
});

containerTest("services that a script left are ended", async (t) => {
  const mark = `6543${process.pid}`;
  const answer = await post(`(setsid sleep ${mark} &)\nsleep 1\necho on\n`);
  t.deepEqual(answer.stdout, ["on"]);
  await t.notThrowsAsync(eventually(() => processesWith(mark).length === 0));
});

containerTest("SIGINT leaves nothing", async (t) => {
  const mark = `5432${process.pid}`;
  const driver = startDriver({
    way: "chroot",
    scripts: [{ section: "post", body: `(setsid sleep ${mark} &)\necho TELL up\nsleep ${mark}\n` }],
  });
  t.is(await driver.nextLine(), "up");
  driver.child.kill("SIGINT");
  t.like((await driver.answer)?.error, { code: "interrupted" });
  await t.notThrowsAsync(eventually(() => processesWith(mark).length === 0));
  t.deepEqual(readdirSync(driver.folder), []);
});

containerTest("what needs mounts is refused by name", async (t) => {
  const binds = [{ source: "/etc", destination: "/mnt", readOnly: true }];
  t.like((await post("true\n", { binds })).error, { code: "host/isolation-lacks" });
  t.like((await post("true\n", { network: "none" })).error, { code: "host/isolation-lacks" });
});

hostTest(
  "root, busybox",
  isPossible,
  "root of a container with user namespaces: mounts, and owners that are kept",
  async (t) => {
    const body =
      "touch /owned; chown 33:44 /owned; test -c /dev/null; test -d /proc/self; mknod /disk b 8 0 && ls /disk || echo none\n";
    const answer = await runDriver({
      way: "ident",
      scripts: [
        {
          section: "setup",
          body: 'touch "$APPTAINER_ROOTFS/setup"; chown 5:6 "$APPTAINER_ROOTFS/setup"\n',
        },
        { section: "post", body },
      ],
      look: ["owned", "setup"],
      binds: [{ source: "/etc", destination: "/mnt", readOnly: true }],
    });
    t.is(answer.error, undefined, answer.stderr.join("\n"));
    t.is(answer.way, "ident");
    t.deepEqual(answer.stdout, ["/disk"]);
    t.like(answer.nodes["owned"], { uid: 33, gid: 44 });
    t.like(answer.nodes["setup"], { uid: 5, gid: 6 });
  },
);

hostTest(
  "root, busybox",
  isPossible,
  "root of a namespace with one id needs no other namespace",
  async (t) => {
    const body = "id -u; chown 33:44 /etc/passwd; test -d /proc/self; echo $$\n";
    const answer = await runDriver({
      way: "single",
      nested: true,
      scripts: [{ section: "post", body }],
      look: ["etc/passwd"],
    });
    t.is(answer.error, undefined, answer.stderr.join("\n"));
    t.is(answer.stdout[0], "0");
    t.like(answer.nodes["etc/passwd"], { uid: 33, gid: 44 });
  },
);

hostTest("root", process.geteuid?.() === 0, "a folder that is mounted noexec is named", (t) => {
  const script = `
    import { Sandbox } from "./src/sandbox/sandbox.ts";
    const isolation = undefined;
    await Sandbox.create({ temporaryFolder: "/mnt", isolation }).catch((error) => console.log(error.code));`;
  const mount = 'mount -t tmpfs -o noexec x /mnt && exec "$@"';
  const node = [process.execPath, "--input-type=module-typescript", "-e", script];
  const { stdout, stderr } = spawnSync(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-c", mount, "sh", ...node],
    { encoding: "utf8" },
  );
  t.is(stdout, "host/noexec\n", stderr);
});
