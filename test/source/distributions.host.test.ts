// Agents that let programs of this machine make a root file system, from small repositories made here by the
// distributions' own programs.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { listImage } from "../helpers/list-image.ts";
import type { TreeList } from "../helpers/list-tree.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { tsbuild } from "../helpers/build.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scriptedRegistry } from "../helpers/scripted-registry.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, toolTest } from "../helpers/tool.ts";

const isRoot = process.geteuid?.() === 0;

const spec = `Name: testos-release
Version: 9
Release: 1
Summary: A distribution
License: none
BuildArch: noarch
%description
A distribution.
%install
mkdir -p %{buildroot}/etc
echo "Test OS 9" > %{buildroot}/etc/redhat-release
%files
%attr(0640, root, root) /etc/redhat-release
%package -n coreutils
Summary: Nothing
%description -n coreutils
Nothing.
%files -n coreutils
%package -n aaa_base
Summary: Nothing
%description -n aaa_base
Nothing.
%files -n aaa_base
%package -n extra
Summary: Something more
%post -n extra -p <lua>
local file = io.open("/etc/extra", "w") file:write("ran") file:close() posix.chown("/etc/extra", 7, 8)
%description -n extra
Something more.
%files -n extra
`;

/** A repository of packages, signed. Gives its address. */
async function rpmRepository(t: ExecutionContext): Promise<string> {
  const folder = await scratch(t);
  await writeFile(join(folder, "packages.spec"), spec);
  const run = (program: string, ...words: string[]) =>
    execa(program, words, { cwd: folder, env: { HOME: folder, GNUPGHOME: join(folder, "keys") } });
  const macros = ["_topdir", "_rpmdir"].flatMap((name) => [
    "--define",
    `${name} ${folder}/${name === "_rpmdir" ? "repository" : "build"}`,
  ]);
  await run("rpmbuild", "--quiet", ...macros, "-bb", "packages.spec");
  await run("createrepo_c", "--quiet", "repository");
  await mkdir(join(folder, "keys"), { mode: 0o700 });
  const generate = ["--quick-generate-key", "Test <test@example.org>", "rsa2048", "sign", "never"];
  await run("gpg", "--batch", "--quiet", "--passphrase", "", ...generate);
  const list = "repository/repodata/repomd.xml";
  await run("gpg", "--batch", "--detach-sign", "--armor", list);
  await run("gpg", "--batch", "--armor", "--export", "--output", `${list}.key`);
  return `file://${folder}/repository`;
}

async function build(t: ExecutionContext, definition: string): Promise<TreeList> {
  const folder = await scratch(t);
  await writeFile(join(folder, "x.def"), definition);
  const { exitCode, error, stderr } = await runCli(["build", "x.sif", "x.def"], folder, {
    ...process.env,
    HOME: folder,
  });
  t.is(exitCode, 0, `${error?.message}\n${error?.details.join("\n")}\n${stderr}`);
  return listImage(join(folder, "x.sif"));
}

const device = { type: "character-device", mode: "666", device: "103", uid: 0, gid: 0 } as const;

hostTest(
  "root, dnf, rpmbuild, createrepo_c, gpg",
  isRoot,
  "dnf installs a release and what is included",
  async (t) => {
    const repository = await rpmRepository(t);
    const tree = await build(
      t,
      `Bootstrap: dnf\nMirrorURL: ${repository.replace("repository", "%{OSVERSION}tory")}\nOSVersion: reposi\nInclude: extra\n`,
    );
    t.like(tree["etc/redhat-release"], { mode: "640", uid: 0, gid: 0 });
    t.like(tree["etc/extra"], { sizeBytes: 3, uid: 7, gid: 8 });
    t.is(tree["var/lib/rpm/rpmdb.sqlite"]?.type, "file");
    t.like(tree["dev/null"], device);
    t.is(tree["var/cache/yum-bootstrap"], undefined);
  },
);

hostTest(
  "root, zypper, rpmbuild, createrepo_c, gpg",
  isRoot,
  "zypper installs aaa_base and what is included",
  async (t) => {
    const repository = await rpmRepository(t);
    const tree = await build(t, `Bootstrap: zypper\nMirrorURL: ${repository}\nInclude: extra\n`);
    t.is(tree["etc/extra"]?.sizeBytes, 3);
    t.is(tree["var/lib/rpm/rpmdb.sqlite"]?.type, "file");
    t.like(tree["dev/null"], device);
  },
);

/** A repository for pacman with one package, and a configuration that names it. */
async function pacmanConfiguration(t: ExecutionContext): Promise<string> {
  const folder = await scratch(t);
  await mkdir(join(folder, "package/etc"), { recursive: true });
  await mkdir(join(folder, "repository"));
  await writeFile(join(folder, "package/etc/arch-release"), "hi\n");
  const fields = ["pkgname = base", "pkgver = 1-1", "builddate = 1", "size = 3", "arch = any"];
  await writeFile(join(folder, "package/.PKGINFO"), `${fields.join("\n")}\n`);
  const archive = "repository/base-1-1-any.pkg.tar.zst";
  await execa("tar", ["-C", "package", "--zstd", "-cf", archive, ".PKGINFO", "etc"], {
    cwd: folder,
  });
  await execa("repo-add", ["-q", "repository/core.db.tar.gz", archive], { cwd: folder });
  return `[options]\nArchitecture = x86_64\nSigLevel = Never\n[core]\nServer = file://${folder}/repository\n`;
}

hostTest(
  "root, pacstrap, repo-add",
  isRoot,
  "pacstrap installs base by the configuration that ConfURL names",
  async (t) => {
    const server = await scriptedRegistry(t);
    const configuration = await pacmanConfiguration(t);
    server.rule = ({ path }, response) => {
      response.writeHead(path === "/pacman.conf" ? 200 : 404).end(configuration);
      return true;
    };
    const tree = await build(t, `Bootstrap: arch\nConfURL: ${server.origin}/pacman.conf\n`);
    t.is(tree["etc/arch-release"]?.sizeBytes, 3);
    t.is(tree["var/lib/pacman/local/base-1-1/desc"]?.type, "file");
  },
);

hostTest("root, busybox", isRoot, "busybox is fetched and gets all its names", async (t) => {
  const server = await scriptedRegistry(t);
  const program = await readFile("/bin/busybox");
  server.rule = (_, response) => {
    response.writeHead(200, { "content-length": program.length }).end(program);
    return true;
  };
  const tree = await build(
    t,
    `Bootstrap: busybox\nMirrorURL: ${server.origin}/busybox\n%post\n    ls / > /list\n    whoami\n`,
  );
  t.is(tree["bin/busybox"]?.sizeBytes, program.length);
  t.true((tree["bin/sh"]?.names?.length ?? 0) > 100);
  t.is(tree["list"]?.type, "file");
});

hostTest(
  "users, dnf, rpmbuild, createrepo_c, gpg",
  canMakeUsers,
  "a plain user's dnf gives files their owners and the image its devices",
  async (t) => {
    const repository = await rpmRepository(t);
    const user = plainUser();
    const definition = `Bootstrap: yum\nMirrorURL: ${repository}\nInclude: extra\n`;
    await writeFile(join(user.folder, "dnf.def"), definition);
    const run = await tsbuild(["build", "-F", "dnf.sif", "dnf.def"], { cwd: user.folder, user });
    t.is(run.exitCode, 0, run.stderr);
    const tree = await listImage(join(user.folder, "dnf.sif"));
    t.like(tree["etc/extra"], { sizeBytes: 3, uid: 7, gid: 8 });
    t.like(tree["dev/null"], device);
  },
);

hostTest(
  "users, debootstrap, a Debian mirror",
  canMakeUsers,
  "a plain user's debootstrap makes a Debian that apt works in",
  async (t) => {
    t.timeout(900_000);
    const { stdout: mirror } = await execa(join(import.meta.dirname, "../judges/mirror.sh"));
    const { stdout: settings } = await execa("apt-config", ["dump", "Acquire::http::Proxy"]);
    const proxy = /"(.+)"/.exec(settings)?.[1] ?? process.env["http_proxy"];
    const user = plainUser();
    const definition = `Bootstrap: debootstrap\nMirrorURL: ${mirror}\nOSVersion: bookworm\n%post\n    apt-get check\n    dpkg --audit\n    su nobody -s /bin/sh -c id > /who\n`;
    await writeFile(join(user.folder, "debian.def"), definition);
    const options = ["-F", "--compress", "fast"];
    const run = await tsbuild(["build", ...options, "debian.sif", "debian.def"], {
      cwd: user.folder,
      user,
      env: proxy === undefined ? {} : { http_proxy: proxy },
    });
    t.is(run.exitCode, 0, run.stderr.slice(-3000));
    const tree = await listImage(join(user.folder, "debian.sif"));
    t.like(tree["dev/null"], device);
    t.like(tree["etc/shadow"], { mode: "640", uid: 0, gid: 42 });
    t.like(tree["usr/bin/chage"], { mode: "2755", gid: 42 });
    t.is(tree["who"]?.type, "file");
    t.is(tree["debootstrap"], undefined);
  },
);

toolTest(["debootstrap"], "debootstrap's own words are shown when it fails", async (t) => {
  const folder = await scratch(t);
  const definition =
    "Bootstrap: debootstrap\nMirrorURL: http://127.0.0.1:9/debian\nOSVersion: nosuch\n";
  await writeFile(join(folder, "x.def"), definition);
  const { error } = await runCli(["build", "x.sif", "x.def"], folder, { ...process.env });
  t.is(error?.code, "source/bootstrap-failed");
  t.regex(error?.details.join("\n") ?? "", /No such script/);
  t.is(error?.location?.line, 1);
});
