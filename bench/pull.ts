// How fast an image comes out of a registry, next to `skopeo copy docker://… dir:`, in pairs one after the other. The
// registry is docker-registry on the loopback, so what is measured is the work of the client.
//
// It runs what `npm run build` made.
//
//   node bench/pull.ts [NAME [ROUNDS]]       as root; an image of test/judges/images.sh, mpi by default, 5 rounds
//   node bench/pull.ts --blob SIZE_MB        one layer of that size that can't be compressed, for the memory

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { imagesLayout } from "../test/helpers/images.ts";
import { image, layer, layoutFiles, writeFiles } from "../test/helpers/oci-image.ts";
import { archive, entry } from "../test/helpers/tar.ts";
import { startRegistry } from "../test/helpers/registry.ts";
import { measureProgram, type Cost } from "./measure-program.ts";

const isBlob = process.argv[2] === "--blob";
const name = isBlob ? "blob" : (process.argv[2] ?? "mpi");
const rounds = isBlob ? 2 : Number(process.argv[3] ?? 5);
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-bench-"));
const ends: (() => unknown)[] = [];

const pullProgram = join(scratch, "pull.mjs");
const library = join(import.meta.dirname, "../dist/oci");
// All that a build does until its layers are checked and on the disk, but not reading what is in them: skopeo doesn't.
writeFileSync(
  pullProgram,
  `import { Registry } from ${JSON.stringify(join(library, "registry.js"))};
import { resolveImage } from ${JSON.stringify(join(library, "image.js"))};
import { concurrently } from ${JSON.stringify(join(library, "concurrently.js"))};
const [reference, cacheFolder] = process.argv.slice(2);
await using registry = new Registry({ cacheFolder });
const store = await registry.image(reference);
const signal = new AbortController().signal;
const { manifest } = await resolveImage(store, await store.start(), { os: "linux", architecture: "amd64" }, () => {});
await concurrently(manifest.layers, 4, async (descriptor) => {
  const place = await store.layer(descriptor, signal);
  await place.incoming?.file;
  await place.incoming?.reader.close();
  await place.lease?.[Symbol.asyncDispose]();
});
`,
);

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

function print(what: string, costs: readonly Cost[]): void {
  const of = (member: keyof Cost) => median(costs.map((cost) => cost[member]));
  process.stdout.write(
    `${what.padEnd(10)}${of("wallSeconds").toFixed(2)} s, processor ${of("cpuSeconds").toFixed(2)} s, ` +
      `memory ${(of("peakBytes") / 1e6).toFixed(0)} MB\n`,
  );
}

try {
  const registry = await startRegistry({
    teardown: (end: () => unknown) => ends.push(end),
  } as never);
  let from = `oci:${imagesLayout}:${name}`;
  if (isBlob) {
    const parts = Array.from({ length: Number(process.argv[3] ?? 500) }, () => randomBytes(1e6));
    const made = image([layer(archive(entry({ name: "x" }, Buffer.concat(parts))), "plain")], {
      tag: "1",
    });
    await writeFiles(join(scratch, "layout"), layoutFiles([made.manifest], made.blobs));
    from = `oci:${scratch}/layout:1`;
  }
  const reference = `${registry.host}/${name}:1`;
  await execa("skopeo", ["copy", "-q", "--dest-tls-verify=false", from, `docker://${reference}`]);
  const ours: Cost[] = [];
  const theirs: Cost[] = [];
  for (let round = 0; round < rounds; round++) {
    const [cache, dir] = [join(scratch, `cache-${round}`), join(scratch, `dir-${round}`)];
    ours.push(
      await measureProgram([process.execPath, pullProgram, reference, cache], { cwd: scratch }),
    );
    const words = ["copy", "-q", "--src-tls-verify=false", `docker://${reference}`, `dir:${dir}`];
    theirs.push(await measureProgram(["skopeo", ...words], { cwd: scratch }));
    rmSync(cache, { recursive: true });
    rmSync(dir, { recursive: true });
  }
  print("tsbuild", ours);
  print("skopeo", theirs);
  const ratios = ours.map((cost, at) => (theirs[at]?.wallSeconds ?? NaN) / cost.wallSeconds);
  const work = ours.map((cost, at) => (theirs[at]?.cpuSeconds ?? NaN) / cost.cpuSeconds);
  process.stdout.write(
    `speed next to skopeo: ${(median(ratios) * 100).toFixed(0)} % by the clock, ${(median(work) * 100).toFixed(0)} % by processor time\n`,
  );
} finally {
  for (const end of ends.toReversed()) await end();
  rmSync(scratch, { recursive: true });
}
