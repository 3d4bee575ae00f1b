import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { debianRoot } from "./debian-root.ts";
import { checkout } from "./build.ts";
import { image, layer, layoutFiles, writeFiles } from "./oci-image.ts";

export interface WantedPackages {
  /** Debian packages that are installed. */
  readonly installed: readonly string[];
  /** Those that are there to be installed without a network, with all that they need. */
  readonly fetched: readonly string[];
}

/** What a build adds of its own. */
const own = [
  ".singularity.d",
  ".exec",
  ".run",
  ".shell",
  ".test",
  "environment",
  "singularity",
].map((name) => `--exclude=./${name}`);

/**
 * An OCI layout with the small Debian of `debianRoot` and packages. It is made once and kept; root is needed for that.
 * @returns what `From: …` with `Bootstrap: oci` names
 */
export async function packagesImage({ installed, fetched }: WantedPackages): Promise<string> {
  const archive = debianRoot();
  const definition = (root: string) => `Bootstrap: localimage
From: ${root}

%post
# Nothing outlives a machine's crash here, and nobody reads manuals.
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/tsbuild-test
for F in doc man locale info; do echo "path-exclude=/usr/share/$F/*" >> /etc/dpkg/dpkg.cfg.d/tsbuild-test; done
apt-get update -qq
install='apt-get install -qq -y --no-install-recommends'
$install ${installed.join(" ")}
apt-get clean
$install --download-only ${fetched.join(" ")}
`;
  const name = createHash("sha256").update(definition("")).digest("hex").slice(0, 12);
  const layout = join(dirname(archive), `${basename(archive, ".tar")}-${name}`);
  const reference = `${layout}:base`;
  if (existsSync(layout)) return reference;
  const work = mkdtempSync(join(dirname(layout), "making-"));
  try {
    const root = join(work, "root");
    mkdirSync(root);
    await execa("tar", ["--numeric-owner", "-xpf", archive, "-C", root]);
    writeFileSync(join(work, "packages.def"), definition(root));
    const made = join(work, "made");
    const words = ["build", "--sandbox", "--no-cache", made, join(work, "packages.def")];
    await execa(process.execPath, [join(checkout, "bin/tsbuild.cjs"), ...words], {
      env: { TMPDIR: work, DEBIAN_FRONTEND: "noninteractive" },
    });
    const tar = join(work, "tar");
    const all = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--sort=name"];
    await execa("tar", [...all, ...own, "-cf", tar, "-C", made, "."]);
    const base = image([layer(readFileSync(tar), "plain")], { tag: "base", config: {} });
    const done = join(work, "layout");
    await writeFiles(done, layoutFiles([base.manifest], base.blobs));
    chmodSync(done, 0o755);
    // Whoever is first wins; the other's is the same.
    if (!existsSync(layout)) renameSync(done, layout);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return reference;
}
