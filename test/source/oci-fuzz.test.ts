import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { TsbuildError } from "../../src/model/error.ts";
import { dockerArchiveSource } from "../../src/source/docker-archive.ts";
import { ociArchiveSource } from "../../src/source/oci-archive.ts";
import { dockerArchiveFiles, image, tarOf, textLayer } from "../helpers/oci-image.ts";
import { layoutOf } from "../helpers/open-image.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { archive, entry, gnuLong, pax } from "../helpers/tar.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

const texts = { a: "text a", b: "text b", c: "text c" };
const small = image([
  textLayer({ a: texts.a, "d/": "" }),
  textLayer({ b: texts.b }, "zstd"),
  textLayer({ c: texts.c }, "plain"),
]);
const withExtendedHeaders = (files: Readonly<Record<string, Buffer>>) =>
  archive(
    pax([["comment", "for all"]], "g"),
    ...Object.entries(files).flatMap(([name, bytes]) => [
      gnuLong("L", name),
      pax([["size", String(bytes.length)]]),
      entry({ name: "x", size: 0 }, bytes),
    ]),
  );
const runs = Number(process.env["FUZZ_RUNS"] ?? 100);

for (const [name, source, whole] of [
  ["an oci-archive", ociArchiveSource, tarOf(layoutOf(small))],
  [
    "a docker-archive",
    dockerArchiveSource,
    tarOf(dockerArchiveFiles([{ image: small, tags: [] }])),
  ],
  ["an oci-archive with extended headers", ociArchiveSource, withExtendedHeaders(layoutOf(small))],
] as const) {
  test(`${name} with changed bytes or a lost end is right, or refused with an error of ours`, async (t) => {
    const context = await sourceContext(t);
    const file = join(context.folder, "img.tar");
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
    const damage = fc.record({
      changes: fc.array(change, { maxLength: 3 }),
      length: fc.option(fc.nat(whole.length), { freq: 5 }),
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(damage, async ({ changes, length }) => {
        const bytes = Buffer.from(whole.subarray(0, length ?? whole.length));
        for (const { at, to } of changes) if (at < bytes.length) bytes[at] = to;
        await writeFile(file, bytes);
        try {
          const base = await source.open(new Map([["from", "img.tar"]]), context);
          try {
            t.deepEqual(await textsOf(base.tree), texts);
          } finally {
            await base.dispose?.();
          }
        } catch (error) {
          if (!(error instanceof TsbuildError)) throw error;
          refused++;
        }
      }),
      { numRuns: runs },
    );
    t.true(refused > runs / 10);
  });
}
