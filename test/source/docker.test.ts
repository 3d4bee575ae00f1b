import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import { dockerSource } from "../../src/source/docker.ts";
import type { SourceContext } from "../../src/source/source.ts";
import { blob, image, layer, textLayer, type TestImage } from "../helpers/oci-image.ts";
import { open, openFails, usual, usualTexts } from "../helpers/open-image.ts";
import { cutAfter, scriptedRegistry, type ScriptedRegistry } from "../helpers/scripted-registry.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { archive, entry } from "../helpers/tar.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

const noise = randomBytes(3_000_000).toString("base64");
const large = layer(archive(entry({ name: "large" }, noise)));
const made = image([large, textLayer({ a: "a" })]);

async function start(
  t: ExecutionContext,
  images: TestImage,
  more: Partial<SourceContext> = {},
): Promise<{ registry: ScriptedRegistry; context: SourceContext; from: string }> {
  const registry = await scriptedRegistry(t);
  registry.put("x", images.blobs, { "1": images.manifest });
  return { registry, context: await sourceContext(t, more), from: `${registry.host}/x:1` };
}

const layerPath = (registry: ScriptedRegistry) =>
  registry.seen.filter(({ path }) => path.endsWith(large.blob.digest));
const incoming = (context: SourceContext) =>
  readdir(join(context.cacheFolder ?? "", "blobs-v1", "incoming"));
const corrupt = (bytes: Buffer) => {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
};

test("an image comes whole over connections that break in every layer", async (t) => {
  const { registry, context, from } = await start(t, made);
  registry.rule = ({ path, headers }, response, count) => {
    if (!path.endsWith(large.blob.digest) || count >= 3) return false;
    const at = Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    cutAfter(response, large.blob, at, 700_000);
    return true;
  };
  const base = await open(t, dockerSource, from, context);
  t.deepEqual(await textsOf(base.tree), { large: noise, a: "a" });
  t.is(layerPath(registry).length, 4);
  t.deepEqual(await incoming(context), []);
});

test("a layer that arrives damaged is fetched once more", async (t) => {
  const { registry, context, from } = await start(t, made);
  registry.rule = ({ path }, response, count) => {
    if (!path.endsWith(large.blob.digest) || count > 0) return false;
    response.end(corrupt(large.blob.bytes));
    return true;
  };
  const base = await open(t, dockerSource, from, context);
  t.deepEqual(await textsOf(base.tree), { large: noise, a: "a" });
  t.is(layerPath(registry).length, 2);
});

test("a layer that is always damaged is refused, and nothing of it is kept", async (t) => {
  const { registry, context, from } = await start(t, made);
  registry.rule = ({ path }, response) => {
    if (!path.endsWith(large.blob.digest)) return false;
    response.end(corrupt(large.blob.bytes));
    return true;
  };
  const error = await openFails(t, dockerSource, from, context, "source/digest-mismatch");
  t.true(error.message.includes(large.blob.digest));
  t.true(error.message.includes(from));
  t.is(layerPath(registry).length, 2);
  t.deepEqual(await incoming(context), []);
  const kept = await readdir(join(context.cacheFolder ?? "", "blobs-v1", "sha256"));
  t.false(kept.includes(large.blob.digest.slice(7)));
});

test("a layer that is right as a download and wrong as an archive is named and not fetched again", async (t) => {
  const cut = {
    ...large,
    blob: blob(gzipSync(large.tar).subarray(0, -1000), large.blob.mediaType),
  };
  const { registry, context, from } = await start(t, image([cut]));
  await openFails(t, dockerSource, from, context, "source/layer-damaged");
  t.is(registry.seen.filter(({ path }) => path.endsWith(cut.blob.digest)).length, 1);
  t.deepEqual(await incoming(context), []);
});

test("when one layer can't be had the others are given up, and the error is its own", async (t) => {
  const many = image([
    large,
    ...Array.from({ length: 8 }, (_, at) => textLayer({ [`f${at}`]: noise.slice(at, 200_000) })),
  ]);
  const { registry, context, from } = await start(t, many);
  const gone = many.layers[3]?.blob.digest ?? "";
  registry.rule = ({ path }, response) => {
    if (path.endsWith(gone)) response.writeHead(404).end();
    else if (path.endsWith(large.blob.digest)) {
      // It would take for ever.
      response.writeHead(200, { "content-length": large.blob.size });
      response.write(large.blob.bytes.subarray(0, 100_000));
    } else return false;
    return true;
  };
  const started = performance.now();
  const error = await openFails(t, dockerSource, from, context, "source/not-found");
  t.true(error.message.includes(gone));
  t.true(performance.now() - started < 15_000);
  t.deepEqual(await incoming(context), []);
});

test("an interrupt in the middle of a layer ends the build at once and leaves nothing behind", async (t) => {
  const controller = new AbortController();
  const { registry, context, from } = await start(t, made, { signal: controller.signal });
  registry.rule = ({ path }, response) => {
    if (!path.endsWith(large.blob.digest)) return false;
    response.writeHead(200, { "content-length": large.blob.size });
    response.write(large.blob.bytes.subarray(0, 2_000_000));
    setTimeout(() => {
      interrupted = performance.now();
      controller.abort(new Error("Ctrl-C"));
    }, 100);
    return true;
  };
  let interrupted = NaN;
  await t.throwsAsync(dockerSource.open(new Map([["from", from]]), context), { message: "Ctrl-C" });
  // Left alone it would wait for the stalled server six times as long.
  t.true(performance.now() - interrupted < 5000);
  t.deepEqual(await incoming(context), []);
});

test("a layer that is listed twice is fetched once", async (t) => {
  const twice = image([large, textLayer({ a: "a", ".wh.large": "" }), large]);
  const { registry, context, from } = await start(t, twice);
  const base = await open(t, dockerSource, from, context);
  t.deepEqual(await textsOf(base.tree), { large: noise, a: "a" });
  t.is(layerPath(registry).length, 1);
});

test("builds that pull the same image at once, with one cache, all get it", async (t) => {
  const { registry, context, from } = await start(t, usual);
  registry.rule = async ({ path }) => {
    if (path.includes("/blobs/")) await new Promise((resolve) => setTimeout(resolve, 20));
    return false;
  };
  const bases = await Promise.all(
    Array.from({ length: 5 }, () => open(t, dockerSource, from, context)),
  );
  for (const base of bases) t.deepEqual(await textsOf(base.tree), usualTexts);
  t.deepEqual(await incoming(context), []);
});

test("a tag that is in the cache costs one HEAD, and one that moved is noticed", async (t) => {
  const { registry, context, from } = await start(t, made);
  await open(t, dockerSource, from, context);
  registry.seen.length = 0;
  await open(t, dockerSource, from, context);
  t.deepEqual(
    registry.seen
      .filter(({ path }) => path !== "/v2/")
      .map(({ method, path }) => `${method} ${path}`),
    ["HEAD /v2/x/manifests/1"],
  );
  registry.put("x", usual.blobs, { "1": usual.manifest });
  t.deepEqual(await textsOf((await open(t, dockerSource, from, context)).tree), usualTexts);
});

test("a registry without HEAD, or without digests in its answers, is read all the same", async (t) => {
  const { registry, context, from } = await start(t, usual);
  registry.rule = ({ method, path }, response) => {
    if (method === "HEAD") response.writeHead(405).end();
    else if (path.endsWith("/manifests/1")) {
      response.writeHead(200, { "content-type": "application/json" }).end(usual.manifest.bytes);
    } else return false;
    return true;
  };
  t.deepEqual(await textsOf((await open(t, dockerSource, from, context)).tree), usualTexts);
});

for (const [header, code] of [
  [{}, "source/bad-reference"],
  [{ from: "" }, "source/bad-reference"],
  [{ from: "docker://x" }, "source/bad-reference"],
] as const) {
  test(`the header ${JSON.stringify(header)} is refused before anything is asked`, async (t) => {
    const context = await sourceContext(t);
    const error = await t.throwsAsync<TsbuildError>(
      dockerSource.open(new Map(Object.entries(header)), context),
    );
    t.is(error.code, code);
  });
}

test("a registry can be called wrong names: a web site, and one that speaks no protocol at all", async (t) => {
  const { registry, context, from } = await start(t, made);
  registry.rule = (_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<html>hello</html>");
    return true;
  };
  await openFails(t, dockerSource, from, context, "source/bad-manifest");
});
