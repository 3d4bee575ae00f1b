import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** Writes an OCI layout with one image, `latest`, of the layers, uncompressed. */
export function writeOciLayout(folder: string, layers: readonly Uint8Array[]): void {
  const blobs = join(folder, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, data: Uint8Array) => {
    writeFileSync(join(blobs, sha256(data)), data);
    return { mediaType, digest: `sha256:${sha256(data)}`, size: data.length };
  };
  const json = (mediaType: string, value: unknown) =>
    put(mediaType, Buffer.from(JSON.stringify(value)));
  const descriptors = layers.map((layer) => put("application/vnd.oci.image.layer.v1.tar", layer));
  const config = json("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) },
    history: layers.map(() => ({ created_by: "test" })),
  });
  const manifest = json("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    config,
    layers: descriptors,
  });
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  writeFileSync(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

/** The root file system that umoci makes of the layers, in a folder below the given one. */
export async function umociUnpack(folder: string, layers: readonly Uint8Array[]): Promise<string> {
  const layout = join(folder, "layout");
  const rootfs = join(folder, "rootfs");
  writeOciLayout(layout, layers);
  await execa("umoci", ["raw", "unpack", "--image", `${layout}:latest`, rootfs]);
  return rootfs;
}
