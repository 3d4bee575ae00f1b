import test from "ava";
import fc from "fast-check";
import { TsbuildError } from "../../src/model/error.ts";
import { parseConfig, parseManifest } from "../../src/oci/manifest.ts";
import { image, index, textLayer } from "../helpers/oci-image.ts";

const bytes = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const digest = `sha256:${"0".repeat(64)}`;
const one = { mediaType: "x", digest, size: 1 };

test("the text's own type goes before the stated one", (t) => {
  const { manifest } = image([textLayer({ a: "a" })]);
  t.is(
    parseManifest(manifest.bytes, "application/vnd.oci.image.index.v1+json", "m").kind,
    "manifest",
  );
  t.is(parseManifest(index([manifest]).bytes, "text/plain", "m").kind, "index");
  t.is(parseManifest(bytes({ schemaVersion: 2, manifests: [] }), undefined, "m").kind, "index");
  t.is(
    parseManifest(bytes({ schemaVersion: 2, config: one, layers: [] }), undefined, "m").kind,
    "manifest",
  );
});

const wrong: readonly [string, unknown, string][] = [
  ["no JSON", "{", "source/bad-manifest"],
  ["a list", [], "source/bad-manifest"],
  ["null", null, "source/bad-manifest"],
  ["both kinds at once", { manifests: [], layers: [], config: one }, "source/bad-manifest"],
  ["no config", { layers: [] }, "source/bad-manifest"],
  ["layers that are no list", { config: one, layers: {} }, "source/bad-manifest"],
  [
    "a digest that is a path",
    { config: { ...one, digest: "sha256:../../etc" } },
    "source/bad-manifest",
  ],
  [
    "a digest of another length",
    { config: { ...one, digest: "sha256:00" } },
    "source/bad-manifest",
  ],
  ["a negative size", { config: { ...one, size: -1 } }, "source/bad-manifest"],
  ["a size that is no whole number", { config: { ...one, size: 1.5 } }, "source/bad-manifest"],
  ["a size as text", { config: { ...one, size: "1" } }, "source/bad-manifest"],
  ["schema 1", { schemaVersion: 1, fsLayers: [] }, "source/manifest-version"],
  [
    "bytes that are no UTF-8",
    Buffer.from([0x7b, 0xff, 0x7d]).toString("latin1"),
    "source/bad-manifest",
  ],
];

for (const [name, value, code] of wrong) {
  test(`a manifest with ${name} is refused`, (t) => {
    const error = t.throws<TsbuildError>(() =>
      parseManifest(bytes(value), undefined, "the manifest of x"),
    );
    t.is(error.code, code);
    t.true(error.message.startsWith("the manifest of x"));
  });
}

test("a manifest of over 4 MiB is refused unread", (t) => {
  const error = t.throws<TsbuildError>(() =>
    parseManifest(Buffer.alloc(4 * 1024 * 1024 + 1, " "), undefined, "m"),
  );
  t.regex(error.message, /larger/);
});

test("a configuration without rootfs or config has none of both", (t) => {
  t.deepEqual(parseConfig(bytes({}), "c"), { platform: undefined, diffIds: [], config: {} });
  t.throws(() => parseConfig(bytes({ rootfs: { diff_ids: ["x"] } }), "c"));
});

test("whatever JSON comes, the answer is a document or an error of ours", (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      for (const parse of [
        () => parseManifest(bytes(text), undefined, "m"),
        () => parseConfig(bytes(text), "c"),
      ]) {
        try {
          parse();
        } catch (error) {
          if (!(error instanceof TsbuildError)) throw error;
        }
      }
    }),
  );
  t.pass();
});
