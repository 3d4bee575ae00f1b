import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import type { Extent } from "../../src/model/content.ts";
import type { TsbuildError } from "../../src/model/error.ts";
import { Layer } from "../../src/oci/layer.ts";
import { layer, sha256, type LayerKind } from "../helpers/oci-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { archive, entry } from "../helpers/tar.ts";

// Text that repeats, but never at the distance of a chunk.
const text = Array.from({ length: 150_000 }, (_, at) => `${at * 7919},`).join("");
const tar = archive(entry({ name: "a" }, text), entry({ name: "b" }, "b"), entry({ name: "c" }));

/** The layer at an offset in a file, as in an archive. */
async function open(
  t: ExecutionContext,
  kind: LayerKind,
): Promise<{ opened: Layer; file: string }> {
  const { blob } = layer(tar, kind);
  const file = join(await scratch(t), "archive");
  await writeFile(
    file,
    Buffer.concat([Buffer.alloc(1000, "x"), blob.bytes, Buffer.alloc(500, "y")]),
  );
  const opened = await Layer.open(
    blob.digest,
    { file, offset: 1000, sizeBytes: blob.size },
    { digest: blob.digest, diffId: sha256(tar) },
  );
  t.teardown(() => opened.close());
  return { opened, file };
}

/** The bytes of each extent. */
async function read(opened: Layer, wanted: readonly Extent[]): Promise<Buffer[]> {
  const parts: Buffer[][] = wanted.map(() => []);
  let last = 0;
  for await (const { index, bytes } of opened.read(wanted)) {
    if (index < last || bytes.length === 0) throw new Error("chunks out of order, or empty");
    last = index;
    parts[index]?.push(Buffer.from(bytes));
  }
  return parts.map((list) => Buffer.concat(list));
}

const extents = fc
  .array(fc.tuple(fc.nat(400_000), fc.oneof(fc.nat(2000), fc.nat(600_000))), { maxLength: 8 })
  .map((pairs) => {
    let position = 0;
    return pairs.flatMap(([gap, lengthBytes]) => {
      const extent = { position: position + gap, lengthBytes };
      position = extent.position + lengthBytes;
      return position <= tar.length ? [extent] : [];
    });
  });

for (const kind of ["plain", "gzip", "zstd"] as const) {
  test(`any extents of a ${kind} layer are read right`, async (t) => {
    const { opened } = await open(t, kind);
    t.is(opened.uncompressedBytes, tar.length);
    await fc.assert(
      fc.asyncProperty(extents, async (wanted) => {
        const expected = wanted.map(({ position, lengthBytes }) =>
          tar.subarray(position, position + lengthBytes),
        );
        const found = await read(opened, wanted);
        t.true(
          found.length === expected.length &&
            found.every((one, at) => one.equals(expected[at] ?? one)),
        );
      }),
      { numRuns: 40 },
    );
    t.true((await read(opened, [{ position: 0, lengthBytes: tar.length }]))[0]?.equals(tar));
    t.deepEqual(await read(opened, []), []);
    t.deepEqual(await read(opened, [{ position: 5, lengthBytes: 0 }]), [Buffer.alloc(0)]);
  });

  test(`reading over the end of a ${kind} layer is an error`, async (t) => {
    const { opened } = await open(t, kind);
    for (const position of [tar.length - 10, tar.length, tar.length + 10_000_000]) {
      const error = await t.throwsAsync<TsbuildError>(
        read(opened, [{ position, lengthBytes: 11 }]),
      );
      t.is(error.code, "source/layer-damaged");
    }
  });

  test(`a ${kind} layer can be read by several at once, left early, and not when it was written to`, async (t) => {
    const { opened, file } = await open(t, kind);
    const whole = { position: 0, lengthBytes: tar.length };
    for await (const { bytes } of opened.read([whole])) {
      t.true(bytes.length > 0);
      break;
    }
    const all = await Promise.all([1, 2, 3].map(() => read(opened, [whole])));
    for (const [only] of all) t.true(only?.equals(tar));
    const stopped = new AbortController();
    stopped.abort(new Error("enough"));
    const reading = async () => {
      for await (const chunk of opened.read([whole], stopped.signal)) void chunk;
    };
    await t.throwsAsync(reading(), { message: "enough" });
    await appendFile(file, "more");
    const error = await t.throwsAsync<TsbuildError>(read(opened, [whole]));
    t.is(error.code, "source/file-changed");
  });
}

test("a layer whose place ends after its file is refused", async (t) => {
  const file = join(await scratch(t), "blob");
  await writeFile(file, "short");
  const opening = Layer.open("x", { file, offset: 0, sizeBytes: 6 }, {});
  await t.throwsAsync(opening, { code: "source/layer-damaged" });
  const missing = Layer.open("x", { file: `${file}-no`, offset: 0, sizeBytes: 6 }, {});
  await t.throwsAsync(missing, { code: "source/unreadable" });
});
