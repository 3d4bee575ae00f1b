// Manifests that are not what was asked for, between our client and a real registry.

import { pass, type Fault } from "../../helpers/fault-proxy.ts";
import { index } from "../../helpers/oci-image.ts";
import { byTag, byTagAct, cut, flip, on, status, whole } from "./acts.ts";
import { made, manifestPath, tagPath, testFaults } from "./fault-site.ts";

function manifestWith(change: object): Buffer {
  const manifest = JSON.parse(made.manifest.bytes.toString()) as { layers: object[] };
  const layers = manifest.layers.map((one) => ({ ...one, ...change }));
  return Buffer.from(JSON.stringify({ ...manifest, layers }));
}

function nested(): Fault {
  const indexes = [index([made.manifest])];
  for (let depth = 0; depth < 6; depth++) {
    const inner = indexes.at(-1) ?? made.manifest;
    indexes.push(index([{ ...inner, platform: { os: "linux", architecture: "amd64" } }]));
  }
  const top = byTag(indexes.at(-1)?.bytes ?? Buffer.alloc(0));
  return (passing, response) => {
    const inner = indexes.find(({ digest }) => passing.path.endsWith(digest));
    if (inner === undefined) return top(passing, response);
    pass(response, {
      status: 200,
      headers: { "content-type": inner.mediaType },
      body: inner.bytes,
    });
    return true;
  };
}

testFaults([
  ["HEAD is not allowed", on(tagPath, status(405), Infinity, "HEAD"), "recovered"],
  ["HEAD tells no digest", on(tagPath, status(200), Infinity, "HEAD"), "recovered"],
  [
    "HEAD tells the digest of another image",
    on(
      tagPath,
      status(200, { "docker-content-digest": `sha256:${"1".repeat(64)}` }),
      Infinity,
      "HEAD",
    ),
    "source/not-found",
  ],
  ["a manifest breaks off once", on(manifestPath, cut(40), 1), "recovered"],
  [
    "a manifest is damaged once",
    on(
      manifestPath,
      whole((a) => ({ body: flip(a, 20) })),
      1,
    ),
    "recovered",
  ],
  [
    "a manifest is damaged always",
    on(
      manifestPath,
      whole((a) => ({ body: flip(a, 20) })),
    ),
    "source/digest-mismatch",
  ],
  ["a manifest is larger than any", byTag(Buffer.alloc(5_000_000, 32)), "source/registry-failed"],
  [
    "a manifest has no end",
    byTagAct((r) => {
      r.writeHead(200);
      const more = setInterval(() => r.write(Buffer.alloc(500_000, 32)), 5);
      r.once("close", () => clearInterval(more));
    }),
    "source/registry-failed",
  ],
  ["a manifest is no JSON", byTag(Buffer.from("{")), "source/bad-manifest"],
  [
    "a page of a captive portal comes instead",
    byTag(Buffer.from("<html>Log in</html>")),
    "source/bad-manifest",
  ],
  ["a manifest is a list", byTag(Buffer.from("[]")), "source/bad-manifest"],
  [
    "a manifest's layer has a negative size",
    byTag(manifestWith({ size: -1 })),
    "source/bad-manifest",
  ],
  [
    "a manifest's layer has a path for a digest",
    byTag(manifestWith({ digest: "sha256:../../x" })),
    "source/bad-manifest",
  ],
  [
    "a manifest is of the first kind",
    byTag(Buffer.from('{"schemaVersion":1,"fsLayers":[]}')),
    "source/manifest-version",
  ],
  ["an index holds an index holds an index …", nested(), "source/bad-manifest"],
  ["an index holds nothing", byTag(index([]).bytes), "source/no-platform"],
]);
