// "Root without root": the same definitions, built in every situation that a build can be in, hold what root builds, or
// the log names what they don't hold.
//
//   situation                                           way      scripts work on
//   root                                                root     an overlay (and a copy: what the others are held against)
//   a plain user with a range of ids                    subid    an overlay
//   the same in a user namespace of the machine's root  subid    an overlay
//   root of a rootless container that may mount         root     an overlay
//   root of a container that may not mount              ident    an overlay
//   root of a rootless container that may not mount     ident    an overlay
//   a plain user with a single id                       single   an overlay
//   root of a user namespace with a single id           single   an overlay
//   root of a container without mounts and namespaces   chroot   a copy
//   a plain user without a range, by bubblewrap         bwrap    a copy
//   a plain user where there are no user namespaces     proot    a copy

import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { checkout } from "../helpers/build.ts";
import { compareTrees, type TreeDifference } from "../helpers/compare-trees.ts";
import { listImage } from "../helpers/list-image.ts";
import {
  database,
  definitionOf,
  owners,
  ownersByHand,
  type Subject,
} from "../helpers/matrix-subjects.ts";
import { oddPackagesTools } from "../helpers/odd-packages.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import {
  asRoot,
  asUser,
  inContainer,
  inNamespaceOfRoot,
  inOpenContainer,
  inRootlessContainer,
  withoutNamespaces,
  type Place,
} from "../helpers/situations.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";
import { turns } from "../helpers/turns.ts";

const isPossible =
  canMakeUsers &&
  ["debootstrap", "bwrap", "proot", "perl", ...oddPackagesTools].every((name) => isInstalled(name));

const folder = mkdtempSync(join(tmpdir(), "tsbuild-matrix-"));
chmodSync(folder, 0o755);
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const inTurn = turns(2);

interface Situation {
  readonly title: string;
  readonly way: string;
  readonly place: Place;
  /** Whose the files are. */
  readonly user?: "with ranges" | "without ranges";
  readonly subjects: readonly Subject[];
  /** Whether scripts work on an overlay. */
  readonly hasOverlay?: true;
  /** Differences that come of what is told to be lost. */
  readonly lost?: readonly string[];
}

interface Built {
  readonly exitCode: number | undefined;
  readonly list: Awaited<ReturnType<typeof listImage>>;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds where the situation is; gives the image's list and what was told. */
async function build(
  { way, place, user }: Omit<Situation, "title" | "subjects">,
  subject: Subject,
  options: readonly string[] = [],
): Promise<Built> {
  const owner = user && plainUser(user);
  const own = mkdtempSync(join(owner?.folder ?? folder, "matrix-"));
  chmodSync(own, 0o755);
  if (owner !== undefined) chownSync(own, owner.uid, owner.gid);
  const definition = join(own, "image.def");
  writeFileSync(definition, await definitionOf(subject));
  const image = join(own, "image.sif");
  const settings = ["env", `TMPDIR=${own}`, `TSBUILD_CACHEDIR=${join(own, "cache")}`];
  const program = [process.execPath, join(checkout, "bin/tsbuild.cjs"), "build", "--compress=none"];
  const words = ["--no-verify", "--progress=plain", "--isolation", way, ...options];
  const [command = "", ...rest] = place([...settings, ...program, ...words, image, definition]);
  const run = await execa(command, rest, { reject: false, stdin: "ignore" });
  const { stdout, stderr, exitCode } = run;
  const list = exitCode === 0 ? await listImage(image) : {};
  rmSync(own, { recursive: true, force: true });
  return { exitCode, list, stdout, stderr };
}

const references = new Map<Subject, Promise<Built>>();

/** What root builds, on a folder of its own. */
function rootBuild(subject: Subject): Promise<Built> {
  const reference =
    references.get(subject) ??
    inTurn(() => build({ way: "root", place: asRoot }, subject, ["--copy-base"]));
  references.set(subject, reference);
  return reference;
}

const tail = ({ stdout, stderr }: Built) =>
  [...stdout.split("\n").slice(-20), ...stderr.split("\n").slice(-40)].join("\n");

/** What differs of owners, modes, types, devices and capabilities from what root builds; times and contents may. */
async function differences(
  t: ExecutionContext,
  situation: Situation,
  subject: Subject,
): Promise<{ readonly found: TreeDifference[]; readonly built: Built }> {
  const root = await rootBuild(subject);
  t.is(root.exitCode, 0, tail(root));
  const built = await inTurn(async () => {
    const start = performance.now();
    const done = await build(situation, subject);
    t.log(`${Math.round((performance.now() - start) / 1000)} s`);
    return done;
  });
  t.is(built.exitCode, 0, tail(built));
  const compared = [
    "presence",
    "type",
    "mode",
    "uid",
    "gid",
    "target",
    "device",
    "names",
    "xattrs",
  ];
  const found = compareTrees(built.list, root.list, [
    { why: "of no matter here", allows: ({ what }) => !compared.includes(what) },
  ]);
  return { found, built };
}

const lines = (found: readonly TreeDifference[]): string[] =>
  found.map(
    ({ path, what, ours, theirs }) =>
      `${path} ${what} ${JSON.stringify(ours)} for ${JSON.stringify(theirs)}`,
  );

const exact: readonly Situation[] = [
  {
    title: "root on an overlay",
    way: "root",
    place: asRoot,
    subjects: [ownersByHand],
    hasOverlay: true,
  },
  {
    title: "a range of ids",
    way: "subid",
    place: asUser("with ranges"),
    user: "with ranges",
    subjects: [owners, database],
    hasOverlay: true,
  },
  {
    title: "a range of ids in a user namespace",
    way: "subid",
    place: inNamespaceOfRoot(asUser("with ranges")),
    user: "with ranges",
    subjects: [ownersByHand],
    hasOverlay: true,
  },
  {
    title: "root of a rootless container that may mount",
    way: "root",
    place: inRootlessContainer(asRoot),
    user: "with ranges",
    subjects: [ownersByHand],
    hasOverlay: true,
  },
  {
    title: "root of a container that may make namespaces and not mount",
    way: "ident",
    place: inOpenContainer,
    subjects: [owners, database],
    hasOverlay: true,
  },
  {
    title: "root of a rootless container that may make namespaces and not mount",
    way: "ident",
    place: inRootlessContainer(inOpenContainer),
    user: "with ranges",
    subjects: [owners],
    hasOverlay: true,
  },
  {
    title: "a single id",
    way: "single",
    place: asUser("without ranges"),
    user: "without ranges",
    hasOverlay: true,
    subjects: [owners, database],
  },
  {
    title: "root of a user namespace with a single id",
    way: "single",
    place: asUser("without ranges", (argv) => [
      "unshare",
      "--user",
      "--map-root-user",
      "--",
      ...argv,
    ]),
    user: "without ranges",
    hasOverlay: true,
    subjects: [owners],
  },
  {
    title: "root of a container that may neither mount nor unshare",
    way: "chroot",
    place: inContainer,
    subjects: [owners, database],
    // mknod -m needs /proc to set a mode, and it is told that there is none.
    lost: ['srv/null mode "664" for "666"'],
  },
];

const nameOf = (subject: Subject) =>
  subject === database ? "a database server" : "owners of all kinds";

for (const situation of exact) {
  for (const subject of situation.subjects) {
    hostTest(
      "root, debootstrap, bwrap, proot",
      isPossible,
      `${situation.title}: ${nameOf(subject)}: every owner, mode, device and capability is as root builds it`,
      async (t) => {
        const { found, built } = await differences(t, situation, subject);
        const isDatabase = subject === database;
        const mark = situation.hasOverlay && !isDatabase ? ["srv/mark presence undefined"] : [];
        t.deepEqual(
          lines(found).map((line) => line.replace(/( undefined) for .*/, "$1")),
          [...mark, ...(isDatabase ? [] : (situation.lost ?? []))],
        );
        t.notRegex(built.stderr, /in the image/);
        t.is(/overlay over the base/.test(built.stderr), situation.hasOverlay === true);
        t.notRegex(built.stdout, /^dnf: /m);
        if (isDatabase) return;
        // What docs/scripts.md says of overlays: only the machine's root moves a folder of the base by the call itself.
        const moves = situation.hasOverlay !== true || situation.place === asRoot;
        t.regex(built.stdout, moves ? /^rename: done$/m : /^rename: Invalid cross-device link$/m);
        t.regex(built.stdout, situation.hasOverlay ? /^mark: refused$/m : /^mark: made$/m);
      },
    );
  }
}

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

interface WeakSituation extends Situation {
  /** What else is told to be lost. */
  readonly allows: (difference: TreeDifference) => boolean;
}

const weak: readonly WeakSituation[] = [
  {
    title: "bubblewrap",
    way: "bwrap",
    place: asUser("without ranges"),
    user: "without ranges",
    subjects: [owners],
    // Whose files alice's are is told by her number.
    allows: () => false,
  },
  {
    title: "no user namespaces",
    way: "proot",
    place: withoutNamespaces,
    user: "without ranges",
    subjects: [owners, database],
    // It is told that file capabilities can't be made, and modes that deny the owner to read don't hold.
    // And that sockets may be missing: their paths on this machine are about as long as bind(2) takes.
    allows: ({ path, what, ours }) =>
      what === "xattrs" ||
      (path === "srv/socket" && ours === undefined) ||
      (what === "mode" && (Number.parseInt(String(ours), 8) & 0o600) === 0o600),
  },
];

/** Folders of what scripts make as another user, whom the log names where that can be known. */
const others = ["home/alice/", "var/lib/mysql/", "var/log/mysql/"];

for (const situation of weak) {
  for (const subject of situation.subjects) {
    hostTest(
      "root, debootstrap, bwrap, proot",
      isPossible,
      `${situation.title}: ${nameOf(subject)}: whatever is not as root builds it is named`,
      async (t) => {
        const { found, built } = await differences(t, situation, subject);
        const told = built.stderr;
        t.regex(told, /files that a script makes as another user are root's in the image/);
        if (situation.way === "proot") t.regex(told, /sockets that a script leaves may be missing/);
        const lost = named(told);
        if (subject === owners) {
          t.regex(lost.get("srv/null") ?? "", /^device c 1:3$/);
          t.regex(lost.get("srv/disk") ?? "", /^device b 8:0$/);
          // It says itself that it can't install a package with a device, if it gets that far.
          t.regex(built.stdout, /^dnf: odd-device: (?:1|139)$/m);
        }
        // Not in every run: of what is traced, the order of events decides.
        const crashes = /^dnf: odd[-\w]*: 139$/m.test(built.stdout);
        if (crashes) {
          t.is(situation.way, "proot");
          t.regex(told, /dnf may crash when it installs packages with files/);
        }
        const isTold = (user: number) =>
          situation.way === "proot" || new RegExp(`became the users? .*\\b${user}\\b`).test(told);
        const silent = found.filter((difference) => {
          const { path, what, ours, theirs } = difference;
          const isOwner = what === "uid" || what === "gid";
          return !(
            lost.has(path) ||
            copies.includes(path) ||
            path.startsWith("opt/odd-device") ||
            (crashes &&
              /^(?:opt\/odd|root\/\.rpmdb|var\/lib\/(?:dnf|rpm)\/|var\/log\/dnf)/.test(path)) ||
            situation.allows(difference) ||
            (isOwner &&
              ours === 0 &&
              others.some((place) => path.startsWith(place)) &&
              isTold(Number(theirs)))
          );
        });
        t.deepEqual(lines(silent), []);
      },
    );
  }
}
