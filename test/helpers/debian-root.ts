import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const cacheFolder = "/var/tmp/tsbuild-test";

/**
 * A tar archive with a small Debian of this machine's release, with apt set up to use this machine's mirror. It is made
 * once (a minute, 90 MB from the mirror) and kept: root, debootstrap and a Debian machine are needed for that.
 */
export function debianRoot(): string {
  const release =
    /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable";
  const archive = join(cacheFolder, `debian-${release}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, "making-"));
  try {
    const root = join(work, "root");
    const mirror = mirrorOf(release);
    run(["debootstrap", "--variant=minbase", release, root, mirror]);
    writeFileSync(join(root, "etc/apt/sources.list"), `deb ${mirror} ${release} main\n`);
    rmSync(join(root, "var/cache/apt/archives"), { recursive: true });
    run(["tar", "--numeric-owner", "--exclude=./dev/*", "-cf", join(work, "tar"), "-C", root, "."]);
    // Whoever is first wins; the other's is the same.
    renameSync(join(work, "tar"), archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return archive;
}

/** The mirror from which this machine's apt gets its release. */
function mirrorOf(release: string): string {
  const lines = run([
    "apt-get",
    "indextargets",
    "--format",
    "$(CODENAME) $(COMPONENT) $(REPO_URI)",
  ]).split("\n");
  const line = lines.find((text) => text.startsWith(`${release} main `));
  if (line === undefined) throw new Error(`apt knows no mirror of ${release}`);
  return line.split(" ")[2] ?? "";
}

function run(argv: readonly string[]): string {
  const [program = "", ...args] = argv;
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}${stdout}`);
  return stdout;
}
