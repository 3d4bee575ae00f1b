import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import test from "ava";
import { execa } from "execa";
import { checkout } from "../helpers/build.ts";
import { listen } from "../helpers/loopback.ts";
import { scratch } from "../helpers/scratch.ts";

const piece = Buffer.alloc(1024 * 1024, "0123456789abcdef");

/** Digest of so many pieces. */
function digestOf(pieces: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < pieces; at++) hash.update(piece);
  return `sha256:${hash.digest("hex")}`;
}

test("a large blob takes as little memory as a small one", async (t) => {
  const folder = await scratch(t);
  const server = createServer((request, response) => {
    void (async () => {
      const pieces = Number(/pieces-(\d+)/.exec(request.url ?? "")?.[1] ?? 0);
      response.writeHead(200, { "content-length": pieces * piece.length });
      for (let at = 0; at < pieces && !response.destroyed; at++) {
        if (!response.write(piece)) await once(response, "drain");
        await setImmediate();
      }
      response.end();
    })();
  });
  const port = await listen(t, server);
  const program = join(folder, "pull.mjs");
  await writeFile(
    program,
    `import { RegistryStore, Repository, BlobCache, Dispatchers } from ${JSON.stringify(join(checkout, "dist/oci/index.js"))};
const [repository, digest, size, cacheFolder] = process.argv.slice(2);
const dispatchers = new Dispatchers();
const reference = { registry: "127.0.0.1:${port}", repository, tag: "1" };
const reader = new Repository(reference, { dispatchers });
const store = new RegistryStore(reference, reader, { cache: new BlobCache(cacheFolder), listener() {} });
const place = await store.layer({ mediaType: "", digest, sizeBytes: Number(size), annotations: {} }, new AbortController().signal);
await place.incoming.file;
await place.incoming.reader.close();
await dispatchers.close();
console.log(process.resourceUsage().maxRSS);
`,
  );
  const peakBytes = async (pieces: number) => {
    const words = [`pieces-${pieces}`, digestOf(pieces), String(pieces * piece.length)];
    const { stdout } = await execa(process.execPath, [program, ...words, join(folder, "cache")]);
    return Number(stdout) * 1024;
  };
  const small = await peakBytes(16);
  const large = await peakBytes(320);
  t.log(`${Math.round(small / 1e6)} MB for 17 MB, ${Math.round(large / 1e6)} MB for 336 MB`);
  t.true(large < 200 * 1024 * 1024, `${large}`);
});
