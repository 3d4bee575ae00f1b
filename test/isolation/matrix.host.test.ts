import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import test from "ava";
import { execa } from "execa";
import { compareTrees, type TreeDifference } from "../helpers/compare-trees.ts";
import { listImage } from "../helpers/list-image.ts";
import { packagesImage } from "../helpers/packages-image.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { checkout } from "../helpers/build.ts";
import { containerCommand } from "../helpers/run-driver.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

const isPossible =
  canMakeUsers && ["debootstrap", "bwrap", "proot", "rpmbuild"].every((name) => isInstalled(name));

/** What is built in each situation. */
interface Subject {
  /** Names the image that it starts from. */
  readonly name: string;
  readonly packages: readonly string[];
  /** Files of this machine that it needs, for the root folder. */
  readonly files: () => Promise<readonly string[]>;
  readonly post: string;
}

/** Users, set-id programs, owners, capabilities and devices, by packages of two kinds and by hand. */
const manyOwners: Subject = {
  name: "owners-and-rpm",
  packages: ["sudo", "dbus", "openssh-server", "libcap2-bin", "rpm"],
  files: oddPackages,
  post: `
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends sudo dbus openssh-server libcap2-bin rpm > /dev/null
rpm -i --nodeps --dbpath /var/lib/rpm /odd-1-1.noarch.rpm || true
rpm -i --nodeps --dbpath /var/lib/rpm /odd-device-1-1.noarch.rpm || true
useradd --create-home --uid 1234 alice
install -d -o alice -g mail -m 2750 /srv/shared
touch /srv/shared/in /srv/far
mkdir /srv/shared/below
su alice -c 'touch ~/own; mkdir ~/folder; ln -s own ~/link; cp /etc/hostname ~/copy' || true
cp -a /etc/shadow /srv/shadow-again
chown 70000:80000 /srv/far || true
mknod -m 666 /srv/null c 1 3 || true
mknod -m 600 /srv/disk b 8 0 || true
chown daemon:disk /srv/disk || true
mkfifo /srv/fifo
cp /bin/true /srv/capable && setcap cap_net_raw+ep /srv/capable || true
cp /bin/true /srv/lent && chown alice /srv/lent && chmod 6755 /srv/lent
cp /bin/true /srv/taken && chmod 4755 /srv/taken && chown alice /srv/taken
tar -C /etc --owner=2000 --group=3000 -cf /tmp/foreign.tar hostname
tar -C /srv -xpf /tmp/foreign.tar
chgrp -h games /srv/shared/in && ln -s nowhere /srv/gone && chown -h games:games /srv/gone
`,
};

/** A server that installs itself as a user of its own and starts once, to make its tables. */
const database: Subject = {
  name: "database",
  packages: ["mariadb-server"],
  files: async () => Promise.resolve([]),
  post: `
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends mariadb-server > /dev/null
ls -d /var/lib/mysql/mysql
`,
};

const folder = mkdtempSync(join(tmpdir(), "tsbuild-matrix-"));
chmodSync(folder, 0o755);
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const spec = `
Name: odd
Version: 1
Release: 1
Summary: owners of all kinds
License: none
BuildArch: noarch
%description
%package device
Summary: a device
%description device
%pre
getent group crew > /dev/null || groupadd -g 4321 crew
getent passwd ship > /dev/null || useradd -u 4322 -g crew ship
%install
mkdir -p %{buildroot}/opt/odd/shared %{buildroot}/opt/odd-device
for F in run bind shared/file; do echo x > %{buildroot}/opt/odd/$F; done
ln -s run %{buildroot}/opt/odd/link
%files
%attr(0755, root, root) %dir /opt/odd
%attr(4751, ship, crew) /opt/odd/run
%attr(2770, root, crew) %dir /opt/odd/shared
%attr(0640, nobody, games) /opt/odd/shared/file
%attr(0755, root, root) %caps(cap_net_bind_service=ep) /opt/odd/bind
%attr(-, ship, crew) /opt/odd/link
%files device
%attr(0755, root, root) %dir /opt/odd-device
%dev(c,1,3) %attr(0666, root, daemon) /opt/odd-device/null
`;

let packages: Promise<readonly string[]> | undefined;

/** Packages of rpm's kind, with other users' files, set-id bits, capabilities, a user that they add, and a device. */
function oddPackages(): Promise<readonly string[]> {
  packages ??= (async () => {
    const top = join(folder, "rpm");
    mkdirSync(top);
    writeFileSync(join(top, "odd.spec"), spec);
    const words = ["-bb", "--quiet", "--nodeps", "--define", `_topdir ${top}`];
    await execa("rpmbuild", [...words, join(top, "odd.spec")]);
    return ["odd-1-1.noarch.rpm", "odd-device-1-1.noarch.rpm"].map((name) =>
      join(top, "RPMS/noarch", name),
    );
  })();
  return packages;
}

interface Situation {
  readonly way: string;
  /** Who and where: turns an argument list into one that runs there. */
  readonly place: (argv: readonly string[], folder: string) => readonly string[];
  readonly user?: "with ranges" | "without ranges";
  /** Differences that come of what is told to be lost. */
  readonly lost?: readonly string[];
}

const plain =
  (kind: "with ranges" | "without ranges", inner: readonly string[] = []) =>
  (argv: readonly string[]): string[] =>
    plainUser(kind).command([...inner, ...argv]);

/** Builds where the situation is; gives the image's list and what was told. */
async function built({ way, place, user }: Situation, subject: Subject) {
  const base = await packagesImage(subject.name, subject.packages);
  const files = (await subject.files()).map((file) => `    ${file} /${basename(file)}\n`);
  const own = mkdtempSync(join(user === undefined ? folder : plainUser(user).folder, "matrix-"));
  if (user !== undefined) await execa("chown", [plainUser(user).name, own]);
  const definition = join(own, "image.def");
  writeFileSync(
    definition,
    `Bootstrap: localimage\nFrom: ${base}\n%files\n${files.join("")}%post${subject.post}`,
  );
  const image = join(own, "image.sif");
  const program = [process.execPath, join(checkout, "bin/tsbuild.cjs"), "build", "--compress=none"];
  const options = ["--no-verify", "--tmpdir", own, "--isolation", way, image, definition];
  const [command = "", ...words] = place([...program, ...options], own);
  const { stderr, exitCode } = await execa(command, words, { reject: false, stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`${way} failed: ${stderr.split("\n").slice(-40).join("\n")}`);
  const list = await listImage(image);
  rmSync(own, { recursive: true, force: true });
  return { list, stderr };
}

const references = new Map<Subject, ReturnType<typeof built>>();

/** What root builds. */
function rootBuild(subject: Subject): ReturnType<typeof built> {
  const known = references.get(subject);
  const reference = known ?? built({ way: "root", place: (argv) => argv }, subject);
  references.set(subject, reference);
  return reference;
}

/** What differs of owners, modes, types, devices and capabilities from what root builds; times and contents may. */
async function differences(
  situation: Situation,
  subject = manyOwners,
): Promise<{ found: TreeDifference[]; told: string }> {
  const root = await rootBuild(subject);
  const { list, stderr } = await built(situation, subject);
  const compared = ["presence", "type", "mode", "uid", "gid", "target", "device", "xattrs"];
  const found = compareTrees(list, root.list, [
    { why: "of no matter here", allows: ({ what }) => !compared.includes(what) },
  ]);
  return { found, told: stderr };
}

const lines = (found: readonly TreeDifference[]): string[] =>
  found.map(
    ({ path, what, ours, theirs }) =>
      `${path} ${what} ${JSON.stringify(ours)} for ${JSON.stringify(theirs)}`,
  );

const exact: readonly (Situation & { readonly title: string })[] = [
  { title: "a range of ids", way: "subid", place: plain("with ranges"), user: "with ranges" },
  { title: "a single id", way: "single", place: plain("without ranges"), user: "without ranges" },
  {
    title: "root of a user namespace with a single id",
    way: "single",
    place: plain("without ranges", ["unshare", "--user", "--map-root-user", "--"]),
    user: "without ranges",
  },
  {
    title: "root of a container that may neither mount nor unshare",
    way: "chroot",
    place: containerCommand,
    // mknod -m needs /proc to set a mode, and it is told that there is none.
    lost: ['srv/null mode "664" for "666"'],
  },
];

for (const situation of exact) {
  serialHostTest(
    "root, debootstrap, bwrap, proot",
    isPossible,
    `${situation.title}: every owner, mode, device and capability is as root builds it`,
    async (t) => {
      const { found, told } = await differences(situation);
      t.deepEqual(lines(found), situation.lost ?? []);
      t.notRegex(told, /in the image/);
    },
  );
}

for (const { title, ...situation } of exact.slice(0, 2)) {
  serialHostTest(
    "root, debootstrap",
    isPossible,
    `${title}: a database server is installed, and its files are its own`,
    async (t) => {
      const root = await rootBuild(database);
      t.true((root.list["var/lib/mysql/mysql"]?.uid ?? 0) > 0);
      const { found } = await differences(situation, database);
      t.deepEqual(lines(found), []);
    },
  );
}

/** In the chroot the kernel makes no user namespaces. */
const inChroot = (argv: readonly string[]): string[] => {
  const enter = 'mount --rbind / /mnt && exec chroot /mnt "$@"';
  const user = plainUser("without ranges").command(argv);
  return ["unshare", "--mount", "sh", "-c", enter, "sh", ...user];
};

/** The paths that the log says something of, by what it says. */
function named(log: string): Map<string, string> {
  const lists = [...log.matchAll(/the image does not have:\n((?: {9}\S.*\n)*)/g)];
  return new Map(
    lists
      .map(([, list = ""]) => list)
      .join("")
      .split("\n")
      .flatMap((line) => {
        const [, path, what] = /^ {9}\/([^:]+): (.*)$/.exec(line) ?? [];
        return path === undefined || what === undefined ? [] : [[path, what] as const];
      }),
  );
}

/** A file that a script sees as root's is copied as root's, and nobody can tell that it is a copy. */
// And rpm says itself that it can't install a package with a device.
const copies = ["srv/shadow-again", "etc/shadow-", "etc/gshadow-"];

for (const [way, place, otherwise] of [
  // Whose files alice's are is told by her number.
  ["bwrap", plain("without ranges"), []],
  [
    "proot",
    inChroot,
    [
      // It is told that file capabilities can't be made, and modes that deny the owner to read don't hold.
      ({ what }: TreeDifference) => what === "xattrs",
      ({ what, ours }: TreeDifference) =>
        what === "mode" && (Number.parseInt(String(ours), 8) & 0o600) === 0o600,
    ],
  ],
] as const) {
  serialHostTest(
    "root, debootstrap, bwrap, proot",
    isPossible,
    `${way}: whatever is not as root builds it is named`,
    async (t) => {
      const { found, told } = await differences({ way, place, user: "without ranges" });
      t.regex(told, /files that a script makes as another user are root's in the image/);
      const lost = named(told);
      t.regex(lost.get("srv/null") ?? "", /^device c 1:3$/);
      t.regex(lost.get("srv/disk") ?? "", /^device b 8:0$/);
      const silent = found.filter((difference) => {
        const { path, what, ours } = difference;
        if (
          lost.has(path) ||
          copies.includes(path) ||
          path.startsWith("opt/odd-device") ||
          otherwise.some((allows) => allows(difference))
        )
          return false;
        const isAlices = path.startsWith("home/alice/") && (what === "uid" || what === "gid");
        return !(
          isAlices &&
          ours === 0 &&
          (way === "proot" || /became the users? .*\b1234\b/.test(told))
        );
      });
      t.deepEqual(lines(silent), []);
    },
  );
}
