import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { orasSource } from "../../src/source/oras.ts";
import { blob, descriptor, index, json, platformOf, type TestBlob } from "../helpers/oci-image.ts";
import { open, openFails, usual } from "../helpers/open-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { scriptedRegistry } from "../helpers/scripted-registry.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { textsOf } from "../helpers/text-of-tree.ts";
import { toolTest } from "../helpers/tool.ts";

const sifType = "application/vnd.sylabs.sif.layer.v1.sif";
const config = json({}, "application/vnd.sylabs.sif.config.v1+json");

/** A SIF file with one text in it, made by tools that are not ours. */
async function makeSif(t: ExecutionContext, text: string): Promise<Buffer> {
  const folder = await scratch(t);
  await mkdir(join(folder, "root"));
  await writeFile(join(folder, "root", "file"), text);
  const run = (...command: string[]) => execa(command[0] ?? "", command.slice(1), { cwd: folder });
  await run("mksquashfs", "root", "fs.squashfs", "-noappend", "-quiet");
  await run("siftool", "new", "image.sif");
  const options = "--datatype 4 --parttype 2 --partfs 1 --partarch 2 --groupid 1";
  await run("siftool", "add", ...options.split(" "), "image.sif", "fs.squashfs");
  return readFile(join(folder, "image.sif"));
}

function artifact(layers: readonly TestBlob[], platform?: string): TestBlob {
  const manifest = { schemaVersion: 2, config: descriptor(config), layers: layers.map(descriptor) };
  const made = json(manifest, "application/vnd.oci.image.manifest.v1+json");
  return platform === undefined ? made : { ...made, platform: platformOf(platform) };
}

toolTest(
  ["mksquashfs", "siftool"],
  "a SIF file in a registry, by tag, digest and platform",
  async (t) => {
    const registry = await scriptedRegistry(t);
    const context = await sourceContext(t);
    const sif = blob(await makeSif(t, "hello"), sifType);
    const old = { ...sif, mediaType: "appliciation/vnd.sylabs.sif.layer.tar" };
    const readme = blob(Buffer.from("# read me"), "text/markdown");
    const [plain, misspelt, both] = [artifact([sif]), artifact([old]), artifact([readme, sif])];
    const multi = index([artifact([readme], "linux/arm64"), artifact([sif], "linux/amd64")]);
    const all = [
      sif,
      config,
      readme,
      plain,
      misspelt,
      both,
      multi,
      artifact([readme]),
      usual.manifest,
    ];
    registry.put("me/sif", all, {
      plain,
      misspelt,
      both,
      multi,
      image: usual.manifest,
      text: artifact([readme]),
    });
    for (const tag of ["plain", "misspelt", "both", "multi"]) {
      const base = await open(t, orasSource, `${registry.host}/me/sif:${tag}`, context);
      t.is(base.kind, "image");
      t.deepEqual(await textsOf(base.tree), { file: "hello" }, tag);
    }
    t.is(registry.seen.filter(({ path }) => path.endsWith(sif.digest)).length, 1);
    const byDigest = await open(t, orasSource, `${registry.host}/me/sif@${plain.digest}`, context);
    t.deepEqual(await textsOf(byDigest.tree), { file: "hello" });

    const image = await openFails(
      t,
      orasSource,
      `${registry.host}/me/sif:image`,
      context,
      "source/no-sif",
    );
    t.regex(image.hint ?? "", /Bootstrap: docker/);
    await openFails(t, orasSource, `${registry.host}/me/sif:text`, context, "source/no-sif");
    await openFails(t, orasSource, `${registry.host}/me/sif:nope`, context, "source/not-found");
  },
);

toolTest(
  ["mksquashfs", "siftool"],
  "a SIF file that is damaged in the cache is fetched again",
  async (t) => {
    const registry = await scriptedRegistry(t);
    const context = await sourceContext(t);
    const sif = blob(await makeSif(t, "hello"), sifType);
    registry.put("x", [sif, config, artifact([sif])], { "1": artifact([sif]) });
    await open(t, orasSource, `${registry.host}/x:1`, context);
    const file = join(context.cacheFolder ?? "", "blobs-v1", "sha256", sif.digest.slice(7));
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const base = await open(t, orasSource, `${registry.host}/x:1`, context);
    t.deepEqual(await textsOf(base.tree), { file: "hello" });
    t.is(registry.seen.filter(({ path }) => path.endsWith(sif.digest)).length, 2);
  },
);

toolTest(
  ["mksquashfs", "siftool"],
  "a SIF file that arrives damaged twice is refused",
  async (t) => {
    const registry = await scriptedRegistry(t);
    const context = await sourceContext(t);
    const sif = blob(await makeSif(t, "hello"), sifType);
    registry.put("x", [sif, config, artifact([sif])], { "1": artifact([sif]) });
    registry.rule = ({ path }, response) => {
      if (!path.endsWith(sif.digest)) return false;
      response.end(Buffer.alloc(sif.size));
      return true;
    };
    await openFails(t, orasSource, `${registry.host}/x:1`, context, "source/digest-mismatch");
    t.is(registry.seen.filter(({ path }) => path.endsWith(sif.digest)).length, 2);
  },
);
