import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { checkout } from "../helpers/build.ts";
import { image, layoutFiles, textLayer, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry } from "../helpers/registry.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

toolTest(
  ["docker-registry", "skopeo"],
  "the example of docs/library-oci.md runs as it stands there",
  async (t) => {
    const folder = await scratch(t);
    const { host } = await startRegistry(t);
    const made = image([textLayer({ "etc/": "", "etc/a": "a" }), textLayer({ b: "b" })], {
      tag: "1",
    });
    await writeFiles(join(folder, "layout"), layoutFiles([made.manifest], made.blobs));
    const to = `docker://${host}/team/app:1`;
    const from = `oci:${folder}/layout:1`;
    await execa("skopeo", [
      "copy",
      "-q",
      "--dest-tls-verify=false",
      "--preserve-digests",
      from,
      to,
    ]);

    const text = await readFile(join(checkout, "docs/library-oci.md"), "utf8");
    const example = /```js\n([^]+?)```/.exec(text)?.[1] ?? "";
    t.true(example.includes("registry.example"));
    // As somebody who has installed the package.
    await mkdir(join(folder, "node_modules"));
    await symlink(checkout, join(folder, "node_modules", "tsbuild"));
    const program = join(folder, "example.mjs");
    await writeFile(
      program,
      example
        .replaceAll("registry.example", host)
        .replace("/var/tmp/my-cache", join(folder, "cache")),
    );
    const { stdout } = await execa(process.execPath, ["--preserve-symlinks", program]);
    t.is(
      stdout,
      [
        `${made.manifest.digest} 2 [ 'PATH=/bin' ]`,
        "directory ",
        "file b",
        "directory etc",
        "file etc/a",
      ].join("\n"),
    );
  },
);
