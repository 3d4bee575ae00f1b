// A sandbox on fuse-overlayfs holds what one in a folder holds, whatever is done in it; where it can't, that is said.

import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import fc from "fast-check";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { checkout, path, viewOfCheckout } from "../helpers/build.ts";
import { makeBusyboxRoot } from "../helpers/busybox-root.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { image, layer, layoutFiles, writeFiles } from "../helpers/oci-image.ts";
import { canMakeUsers, plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { eventually, processesWith } from "../helpers/processes.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";
import { act, differ, isolation, laid, operation, smallTree } from "./overlay-fixture.ts";

const isRoot = process.geteuid?.() === 0;

/** Folders of programs, in the first of which is a mount(8) for which the kernel has no overlays. */
async function pathWithoutOverlays(t: ExecutionContext): Promise<string> {
  const folder = join(await scratch(t), "programs");
  mkdirSync(folder);
  const text = `#!/bin/sh
case " $* " in
*" -t overlay "*) echo "mount: rootfs: unknown filesystem type 'overlay'." >&2; exit 32 ;;
esac
PATH=\${PATH#*:}
exec mount "$@"
`;
  writeFileSync(join(folder, "mount"), text, { mode: 0o755 });
  return `${folder}:${isolation.hostPath}`;
}

hostTest(
  "root",
  isRoot,
  "any sequence of calls leaves the same on fuse-overlayfs and in a folder",
  async (t) => {
    t.timeout(120_000);
    const hostPath = await pathWithoutOverlays(t);
    const base = smallTree();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { maxLength: 10 }), { minLength: 1, maxLength: 3 }),
        async (rounds) => {
          const start = Math.floor(Date.now() / 1000);
          const folder = await scratch(t);
          const { sandbox, result } = await laid(t, base, { place: folder, hostPath });
          if (result.notBest === undefined) throw new Error(JSON.stringify(result));
          await using _ = sandbox;
          await using copy = await Sandbox.create({ temporaryFolder: folder, isolation });
          let trees = [base, base];
          for (const steps of rounds) {
            await sandbox.write(trees[0] ?? base);
            await copy.write(trees[1] ?? base);
            // A script takes longer to start than the kernel's clock to tick.
            await sleep(10);
            for (const step of steps) {
              const end = act(sandbox.viewFolder, step);
              // Directories of the base can't be renamed, which mv(1) knows to deal with.
              if (step[0] === "rename" && end === "EXDEV") continue;
              const wanted = act(copy.viewFolder, step);
              if (end !== wanted) throw new Error(`${step.join(" ")}: ${end}, not ${wanted}`);
            }
            trees = [await sandbox.read(), await copy.read()];
            const different = await differ(trees[0] ?? base, trees[1] ?? base, start);
            if (different !== "") throw new Error(different);
          }
        },
      ),
      { numRuns: 15 },
    );
    t.pass();
  },
);

/** A base that has all that is changed by being copied up, and no name that is too long. */
function harmedTree(): ReturnType<typeof nastyTree> {
  const tree = nastyTree();
  const strange = ["names", "deep", "special/null", "special/big", "special/sock"];
  for (const path of strange) tree.remove(path);
  return tree;
}

hostTest("root", isRoot, "what fuse-overlayfs harms when it is copied up is whole", async (t) => {
  const start = Math.floor(Date.now() / 1000);
  const base = harmedTree();
  const { sandbox } = await laid(t, base, { hostPath: await pathWithoutOverlays(t) });
  await using _ = sandbox;
  await using copy = await Sandbox.create({ temporaryFolder: await scratch(t), isolation });
  for (const one of [sandbox, copy]) {
    await one.write(base);
    const at = (path: string) => join(one.viewFolder, path);
    chmodSync(at("special/pipe"), 0o600);
    utimesSync(at("bin/write"), 1, 1);
    linkSync(at("bin/su"), at("bin/su2"));
    renameSync(at("bin/link-a"), at("bin/link-c"));
    renameSync(at("etc/loop"), at("loop"));
    renameSync(at("special/pipe-1"), at("pipe"));
    writeFileSync(at("shared/of-root"), "has the folder's group");
    appendFileSync(at("etc/passwd"), "more");
    appendFileSync(at("xattrs/many"), "more");
    rmSync(at("closed"), { recursive: true });
    mkdirSync(at("closed"));
  }
  t.is(await differ(await sandbox.read(), await copy.read(), start), "");
});

hostTest(
  "root",
  isRoot,
  "what can't be told from its notes is refused, and what it loses is said",
  async (t) => {
    const hostPath = await pathWithoutOverlays(t);
    const base = smallTree();
    base.put("given", { ...base.root.node, mode: 0o2775, gid: 50 });
    const folder = await scratch(t);
    await using sandbox = await Sandbox.create({
      temporaryFolder: folder,
      isolation: { ...isolation, hostPath },
    });
    const lost: string[] = [];
    const onLostGroups = (paths: readonly string[]) => void lost.push(...paths);
    const lower = { name: "base", identity: [], cacheFolder: join(folder, "cache") };
    await sandbox.layOver({ ...lower, tree: base }, { onLostGroups });
    await sandbox.write(base);
    await sleep(10);
    mkdirSync(join(sandbox.viewFolder, "given/new"));
    await sandbox.read();
    t.deepEqual(lost, ["given/new"]);
    t.throws(() => writeFileSync(join(sandbox.viewFolder, ".wh.x"), ""), { code: "EINVAL" });
    mkdirSync(join(sandbox.viewFolder, ".wh.l1"));
    await t.throwsAsync(sandbox.read(), { code: "folder/reserved-name" });

    for (const [path, reason] of [
      ["a/.wh.b", /own note: \/a\/\.wh\.b/],
      [`a/${"n".repeat(252)}`, /too long/],
    ] as const) {
      const strange = smallTree();
      strange.put(path, textFile(path));
      await using other = await Sandbox.create({
        temporaryFolder: folder,
        isolation: { ...isolation, hostPath },
      });
      const { refused } = await other.layOver({ ...lower, identity: [path], tree: strange }, {});
      t.regex(refused ?? "", reason);
    }
  },
);

hostTest(
  "root",
  isRoot,
  "the program that is the overlay ends with it, and its death is told",
  async (t) => {
    const hostPath = await pathWithoutOverlays(t);
    const base = smallTree();
    const { sandbox, folder } = await laid(t, base, { hostPath });
    t.teardown(() => sandbox[Symbol.asyncDispose]());
    await sandbox.write(base);
    const programs = daemonsOf(folder);
    t.is(programs.length, 1);
    t.notRegex(
      readFileSync("/proc/self/mountinfo", "utf8"),
      /fuse-overlayfs/,
      "nobody else sees it",
    );
    process.kill(programs[0] ?? 0, "SIGKILL");
    await t.throwsAsync(sandbox.read(), { code: "host/overlay-ended" });
    await sandbox[Symbol.asyncDispose]();
    t.deepEqual(readdirSync(folder), ["cache"]);
  },
);

// Where a container's own file system is an overlay, and a folder in it is all that there is for temporary files.

const canBuild = canMakeUsers && isInstalled("busybox") && isInstalled("fuse-overlayfs");

// The size of the overlay's upper layer, the folder, the checkout and where a plain user sees it, and who that is.
const inOverlay = `
set -e
mount -t tmpfs -o "size=$1,mode=755" tmpfs "$2/layers"
mkdir "$2/layers/upper" "$2/layers/work"
chmod 1777 "$2/layers/upper"
mount -t overlay -o "lowerdir=$2/lower,upperdir=$2/layers/upper,workdir=$2/layers/work" overlay "$2/tmp"
mount --bind "$3" "$4"
uid=$5
shift 5
[ "$uid" != 0 ] || exec "$@"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
`;

/** A base and a definition, and what builds it with an overlay for temporary files. */
async function bench(t: ExecutionContext, user?: PlainUser, size = "300m") {
  const folder = await scratch(t);
  const root = makeBusyboxRoot(join(folder, "root"));
  const { stdout } = await execa("tar", ["-C", root, "-c", "."], {
    encoding: "buffer",
    maxBuffer: 1 << 28,
  });
  const base = image([layer(Buffer.from(stdout), "plain")]);
  await writeFiles(join(folder, "base"), layoutFiles([base.manifest], base.blobs));
  for (const name of ["lower", "layers", "tmp"]) mkdirSync(join(folder, name));
  if (user !== undefined) {
    chmodSync(folder, 0o755);
    await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  }
  const view = viewOfCheckout();
  const start = (post: string, words: readonly string[] = []) => {
    writeFileSync(
      join(folder, "app.def"),
      `Bootstrap: oci\nFrom: ${folder}/base\n\n%post\n${post}\n`,
    );
    const own = [size, folder, checkout, view, String(user?.uid ?? 0)];
    const node = process.execPath.replace(checkout, view);
    const program = [node, join(view, "bin/tsbuild.cjs"), "build", "--force", "--tmpdir"];
    return execa(
      "unshare",
      ["--mount", "--propagation=private", "sh", "-c", inOverlay, "sh", ...own].concat(
        [...program, join(folder, "tmp"), ...words],
        [join(folder, "app.sif"), join(folder, "app.def")],
      ),
      {
        cwd: folder,
        env: { PATH: path, HOME: folder, TSBUILD_CACHEDIR: join(folder, "cache") },
        extendEnv: false,
        reject: false,
        stdin: "ignore",
      },
    );
  };
  return { folder, start };
}

const post = `
  echo more >> /etc/passwd; mkdir -p /new/sub; echo x > /new/sub/x; ln /new/sub/x /new/y
  rm -r /root; rm /bin/vi; mv /bin/ls /bin/ls2; mknod /null c 1 3; touch -d "2001-01-01 00:00:00" /null
  chown 33:44 /new/sub; chown 7 /null; chmod 2755 /new/sub; echo 1 > /var/tmp/gone
  for P in /new /new/sub /new/sub/x /etc/passwd /; do touch -d "2002-02-02 00:00:00" $P; done
`;

/** The programs that are overlays in the folder. */
const daemonsOf = (folder: string): number[] =>
  processesWith("fuse-overlayfs").filter((pid) => {
    try {
      const isIt = readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("fuse-overlayfs");
      return isIt && readFileSync(`/proc/${pid}/mountinfo`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });

for (const who of ["root", "a plain user with ranges"] as const) {
  hostTest(
    "root, busybox, fuse-overlayfs",
    canBuild,
    `${who} builds with temporary files on an overlay as on a copy`,
    async (t) => {
      t.timeout(120_000);
      const { folder, start } = await bench(t, who === "root" ? undefined : plainUser());
      const copied = await start(post, ["--copy-base"]);
      t.is(copied.exitCode, 0, copied.stderr);
      renameSync(join(folder, "app.sif"), join(folder, "copy.sif"));
      const { exitCode, stderr } = await start(post);
      t.is(exitCode, 0, stderr);
      t.regex(stderr, /an overlay by fuse-overlayfs over the base now kept .*\(overlay: /);
      const diff = await execa(
        process.execPath,
        [join(checkout, "bin/tsbuild.cjs"), "diff", "copy.sif", "app.sif"],
        { cwd: folder, reject: false },
      );
      const changes = diff.stdout
        .split("\n")
        .filter((line) => !/^M \S+ \(time 20[23]\d\S+ -> 20[23]\d\S+\)$/.test(line))
        .filter((line) => !line.startsWith("M /.singularity.d/labels.json "));
      t.deepEqual(
        changes.filter((line) => line !== ""),
        [],
        diff.stderr,
      );
      t.deepEqual(daemonsOf(folder), []);
    },
  );

  hostTest(
    "root, busybox, fuse-overlayfs",
    canBuild,
    `${who}: nothing stays when a build on fuse-overlayfs is killed`,
    async (t) => {
      t.timeout(60_000);
      const { folder, start } = await bench(t, who === "root" ? undefined : plainUser());
      const mark = `7${process.pid}${who.length}`;
      const build = start(`echo up > /up; sleep ${mark}`);
      await eventually(
        () => processesWith(mark).length > 0 && daemonsOf(folder).length > 0,
        30_000,
      );
      build.kill("SIGKILL");
      t.is((await build).signal, "SIGKILL");
      await eventually(() => daemonsOf(folder).length === 0 && processesWith(mark).length === 0);
      // The shell that tidies up is the last that sees the overlay.
      await eventually(() => processesWith(folder).length === 0, 15_000);
      t.pass();
    },
  );
}

hostTest(
  "root, busybox, fuse-overlayfs",
  canBuild,
  "a full disk below fuse-overlayfs shows in the call that writes, and the old image stays",
  async (t) => {
    t.timeout(60_000);
    const { folder, start } = await bench(t, undefined, "24m");
    t.is((await start("echo 1 > /one")).exitCode, 0);
    const before = readFileSync(join(folder, "app.sif"));
    const full = await start("head -c 60000000 /dev/zero > /big");
    t.not(full.exitCode, 0);
    t.regex(full.stderr, /fuse-overlayfs/);
    t.regex(full.stderr, /folder\/no-space/);
    t.deepEqual(readFileSync(join(folder, "app.sif")), before);
    t.deepEqual(daemonsOf(folder), []);
  },
);
