import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { debianRoot } from "./debian-root.ts";
import { checkout } from "./build.ts";

/**
 * A SIF file with the small Debian of `debianRoot` and packages that are fetched but not installed, to be installed without
 * a network. It is made once and kept; root is needed for that.
 */
export async function packagesImage(name: string, packages: readonly string[]): Promise<string> {
  const archive = debianRoot();
  const image = join(dirname(archive), `${basename(archive, ".tar")}-${name}.sif`);
  if (existsSync(image)) return image;
  mkdirSync(dirname(image), { recursive: true });
  const work = mkdtempSync(join(dirname(image), "making-"));
  try {
    const root = join(work, "root");
    mkdirSync(root);
    await execa("tar", ["--numeric-owner", "-xpf", archive, "-C", root]);
    const definition = join(work, "packages.def");
    writeFileSync(
      definition,
      `Bootstrap: localimage\nFrom: ${root}\n\n%post\napt-get update -qq\n` +
        `apt-get install -qq -y --download-only --no-install-recommends ${packages.join(" ")}\n`,
    );
    const made = join(work, "image.sif");
    const program = [
      join(checkout, "bin/tsbuild.cjs"),
      "build",
      "--compress=fast",
      made,
      definition,
    ];
    await execa(process.execPath, program, { env: { TMPDIR: work } });
    chmodSync(made, 0o644);
    renameSync(made, image);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return image;
}
