// Registries that don't take everything, and pushes that fail.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { scriptedRegistry, sendError, type Seen } from "../helpers/scripted-registry.ts";
import { writeSmallSif } from "../helpers/small-sif.ts";
import { takeUploads } from "../helpers/upload-double.ts";

async function served(t: ExecutionContext) {
  const registry = await scriptedRegistry(t);
  const double = takeUploads(registry);
  const folder = await scratch(t);
  const file = join(folder, "x.sif");
  await writeSmallSif(file);
  const environment = { HOME: folder, TMPDIR: folder };
  const push = (...words: string[]) => runCli(["push", ...words], folder, environment);
  return { registry, double, folder, file, push };
}

const isManifest = ({ method, path }: Seen) => method === "PUT" && path.includes("/manifests/");

test("a registry that knows no SIF files by their configuration gets one all the same", async (t) => {
  const { registry, double, file, push } = await served(t);
  double.fault = (request, response) => {
    if (!isManifest(request) || !request.body.includes("sylabs.sif.config")) return false;
    sendError(response, 400, "MANIFEST_INVALID", "unknown config type");
    return true;
  };
  const pushed = await push("x.sif", `oras://${registry.host}/team/x:1`);
  t.is(pushed.exitCode, 0, pushed.error?.message);
  t.regex(pushed.stderr, /takes no SIF files by their type/);
  const manifest = JSON.parse(double.tags.get("team/x:1")?.bytes ?? "{}") as {
    config: { mediaType: string };
    layers: { mediaType: string; digest: string }[];
  };
  t.is(manifest.config.mediaType, "application/vnd.oci.image.config.v1+json");
  t.is(manifest.layers[0]?.mediaType, "application/vnd.sylabs.sif.layer.v1.sif");
  t.deepEqual(double.blobs.get(manifest.layers[0]?.digest ?? ""), await readFile(file));
});

test("a registry from before OCI gets Docker's form of an image", async (t) => {
  const { registry, double, push } = await served(t);
  double.fault = (request, response) => {
    if (!isManifest(request) || !request.body.includes("vnd.oci.")) return false;
    sendError(response, 415, "MANIFEST_INVALID", "no OCI here");
    return true;
  };
  const pushed = await push("x.sif", `docker://${registry.host}/team/x:1`);
  t.is(pushed.exitCode, 0, pushed.error?.message);
  const { bytes = "", mediaType } = double.tags.get("team/x:1") ?? {};
  t.is(mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  t.false(bytes.includes("vnd.oci."));
  t.regex(bytes, /vnd\.docker\.image\.rootfs\.diff\.tar\.gzip/);
});

test("what is refused in every form is told in the words of the first refusal, and no tag is set", async (t) => {
  const { registry, double, push } = await served(t);
  double.fault = (request, response) => {
    if (!isManifest(request)) return false;
    const isFirst = request.body.includes("sylabs.sif.config");
    sendError(response, 400, "MANIFEST_INVALID", isFirst ? "no SIF files" : "nothing else either");
    return true;
  };
  const { error, stdout } = await push("x.sif", `oras://${registry.host}/team/x:1`);
  t.is(error?.code, "push/refused");
  t.regex(error?.message ?? "", /no SIF files/);
  t.is(stdout, "");
  t.is(double.tags.size, 0);
});

for (const scheme of ["oras", "docker"]) {
  test(`a ${scheme} push that fails leaves neither a tag nor a temporary file`, async (t) => {
    const { registry, double, folder, push } = await served(t);
    double.fault = ({ method }, response) => {
      if (method !== "POST") return false;
      sendError(response, 403, "DENIED", "not yours");
      return true;
    };
    const { error } = await push("x.sif", `${scheme}://${registry.host}/team/x:1`);
    t.is(error?.code, "push/forbidden");
    t.is(double.tags.size, 0);
    t.deepEqual(await readdir(folder), ["x.sif"]);
  });
}

const wrong: readonly (readonly [target: string, code: string])[] = [
  ["127.0.0.1:9/team/x:1", "usage/push-target"],
  ["https://host/x.sif", "usage/push-target"],
  ["oras://", "usage/push-target"],
  [`oras://host/x@sha256:${"a".repeat(64)}`, "usage/push-target"],
  ["oras://host/Upper:1", "source/bad-reference"],
  ["docker://host/x:a b", "source/bad-reference"],
  ["oras://127.0.0.1:9/team/x:1", "source/unreachable"],
];
for (const [target, code] of wrong) {
  test(`the target ${target} is refused with ${code}`, async (t) => {
    const { push } = await served(t);
    const { error } = await push("x.sif", target);
    t.is(error?.code, code);
    t.truthy(error?.hint);
  });
}

test("a sandbox folder is no SIF file", async (t) => {
  const { double, registry, push } = await served(t);
  const { error } = await push(".", `oras://${registry.host}/team/x:1`);
  t.is(error?.code, "source/not-an-image");
  t.regex(error?.hint ?? "", /docker:\/\//);
  t.deepEqual(double.log, []);
});

test("what is no image is not pushed", async (t) => {
  const { registry, double, push } = await served(t);
  for (const target of ["oras", "docker"]) {
    const { error } = await push("nothing.sif", `${target}://${registry.host}/team/x:1`);
    t.regex(error?.code ?? "", /^(host\/file-unreadable|source\/not-found)$/);
  }
  t.deepEqual(double.log, []);
});

test("--compress is refused where the file goes as it is", async (t) => {
  const { push } = await served(t);
  const { error } = await push("--compress", "zstd", "x.sif", "oras://127.0.0.1:9/x:1");
  t.is(error?.code, "usage/compression");
  const level = await push("--compress", "gzip:12", "x.sif", "docker://127.0.0.1:9/x:1");
  t.is(level.error?.code, "usage/compression");
});
