import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { defaultTarget, readSpec } from "../../src/cli/read-spec.ts";

test("a URI becomes the definition that Apptainer stores for it", async (t) => {
  const spec = await readSpec("docker://debian:12", "/");
  t.is(Buffer.from(spec.bytes).toString(), "bootstrap: docker\nfrom: debian:12\n\n");
  t.true(spec.isGenerated);
  const archive = await readSpec("oci-archive:/x/y.tar", "/");
  t.is(Buffer.from(archive.bytes).toString(), "bootstrap: oci-archive\nfrom: /x/y.tar\n\n");
});

test("a folder and a SIF file are local images, so are archives, anything else is a definition", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "box"));
  await writeFile(join(folder, "a.sif"), `${"\0".repeat(32)}SIF_MAGIC\0`);
  await writeFile(join(folder, "a.tar"), `${"\0".repeat(257)}ustar`);
  await writeFile(join(folder, "a.def"), "Bootstrap: scratch\n");
  const box = await readSpec("box", folder);
  t.true(box.isFolder);
  t.is(Buffer.from(box.bytes).toString(), "bootstrap: localimage\nfrom: box\n\n");
  t.is((await readSpec("a.sif", folder)).isGenerated, true);
  const definition = await readSpec("a.def", folder);
  t.is(definition.folder, folder);
  t.false(definition.isGenerated);
  const archive = await readSpec("a.tar", folder);
  t.is(Buffer.from(archive.bytes).toString(), "bootstrap: localimage\nfrom: a.tar\n\n");
  t.false(archive.isFolder);
  t.like(await t.throwsAsync(readSpec("nope.def", folder)), { code: "usage/spec-not-found" });
  // Not an agent of URIs in Apptainer: a file name with a colon in it.
  t.like(await t.throwsAsync(readSpec("localimage:box", folder)), { code: "usage/spec-not-found" });
});

test("the image is named after the spec", (t) => {
  t.deepEqual(
    [
      "app.def",
      "a/b/jail.def",
      "docker://debian:12",
      "docker://x/y@sha256:ab",
      "box/",
      "root.tar.gz",
      "r.tgz",
    ].map((name) => defaultTarget(name, "sif")),
    ["app.sif", "jail.sif", "debian.sif", "y.sif", "box.sif", "root.sif", "r.sif"],
  );
  t.is(defaultTarget("app.def", "sandbox"), "app");
  t.like(
    t.throws(() => defaultTarget("-", "sif")),
    { code: "usage/no-target" },
  );
});
