import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { HostError } from "../../src/model/error.ts";
import { ociArchiveSource } from "../../src/source/oci-archive.ts";
import { image, tarOf, textLayer } from "../helpers/oci-image.ts";
import { layoutOf } from "../helpers/open-image.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { hostTest } from "../helpers/tool.ts";

hostTest(
  "root",
  process.getuid?.() === 0,
  "a temporary folder without room for a compressed archive is said to be",
  async (t) => {
    const context = await sourceContext(t);
    const made = image([textLayer({ large: "x".repeat(3_000_000) }, "plain")]);
    await writeFile(join(context.folder, "img.tar.gz"), gzipSync(tarOf(layoutOf(made))));
    const temporaryFolder = join(context.temporaryFolder, "small");
    await mkdir(temporaryFolder);
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m", "none", temporaryFolder]);
    try {
      const opening = ociArchiveSource.open(new Map([["from", "img.tar.gz"]]), {
        ...context,
        temporaryFolder,
      });
      const error = await t.throwsAsync(opening, {
        instanceOf: HostError,
        code: "host/temporary-folder",
      });
      t.regex(error.message, /img\.tar\.gz/);
      t.regex(error.hint ?? "", /--tmpdir/);
      t.true((await readdir(temporaryFolder)).length <= 1);
    } finally {
      await execa("umount", [temporaryFolder]);
    }
  },
);
