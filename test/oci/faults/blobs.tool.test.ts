// Blobs that break off, stall, are damaged, or come from elsewhere, between our client and a real registry. Each fault is
// got over, or told by its code; neither takes long.

import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { Registry } from "../../../src/oci/registry.ts";
import { faultProxy, pass, type Answer } from "../../helpers/fault-proxy.ts";
import { begin, cut, flip, on, status, whole, type Act } from "./acts.ts";
import {
  faultTest,
  largeBytes,
  largePath,
  made,
  manifestPath,
  platform,
  pull,
  site,
  smallPath,
  tagPath,
  testFaults,
} from "./fault-site.ts";

const size = largeBytes.length;
/** The first answer breaks off, and the next one is to the request for the rest. */
const thenRest =
  (act: Act): Act =>
  (response, answer) =>
    (answer.status === 206 ? act : cut(100_000))(response, answer);

const inOneSecond = () => new Date(Date.now() + 1000).toUTCString();

function sendAll(response: ServerResponse, answer: Answer): void {
  // Whatever range was asked for.
  const body = largeBytes;
  const { "content-range": _, ...headers } = answer.headers;
  pass(response, { status: 200, headers: { ...headers, "content-length": String(size) }, body });
}

testFaults([
  // Blobs that break off.
  ["a layer drops at its start", on(largePath, (r) => r.destroy(), 2), "recovered"],
  ["a layer drops in its middle", on(largePath, cut(150_000), 1), "recovered"],
  ["a layer drops before its last byte", on(largePath, cut(size - 1), 1), "recovered"],
  ["a layer drops after its last byte", on(largePath, cut(size), 1), "recovered"],
  ["a layer never comes", on(largePath, (r) => r.destroy()), "source/unreachable"],
  ["a layer stalls before it starts", on(largePath, () => undefined, 1), "recovered"],
  ["a layer stalls in its middle", on(largePath, (r, a) => begin(r, a, 9000), 1), "recovered"],
  ["a layer stalls for ever", on(largePath, () => undefined), "source/unreachable"],
  [
    "a layer is announced as shorter than it is, and ends there",
    on(
      largePath,
      whole(({ body }) => ({ body: body.subarray(0, 70_000) })),
      1,
    ),
    "recovered",
  ],
  [
    "a layer is always shorter than its manifest says",
    on(largePath, (r) => pass(r, { status: 200, headers: {}, body: randomBytes(5000) })),
    "source/blob-size",
  ],
  [
    "a layer is longer than its manifest says",
    on(
      largePath,
      whole(({ body }) => ({ body: Buffer.concat([body, body]) })),
    ),
    "source/blob-size",
  ],
  [
    "a layer is announced as longer than it is",
    on(largePath, (r, a) => {
      begin(r, { ...a, headers: { ...a.headers, "content-length": String(size + 10) } }, size);
      setTimeout(() => r.destroy(), 15);
    }),
    "recovered",
  ],
  [
    "a layer is damaged once",
    on(
      largePath,
      whole((a) => ({ body: flip(a) })),
      1,
    ),
    "recovered",
  ],
  [
    "a layer is damaged always",
    on(
      largePath,
      whole((a) => ({ body: flip(a) })),
    ),
    "source/digest-mismatch",
  ],
  [
    "a layer's digest header is wrong, its bytes are right",
    on(
      largePath,
      whole(() => ({ headers: { "docker-content-digest": `sha256:${"0".repeat(64)}` } })),
    ),
    "recovered",
  ],
  [
    "something that is no HTTP comes once",
    on(largePath, (r) => r.socket?.end("SSH-2.0-OpenSSH\r\n\r\n"), 1),
    "recovered",
  ],
  [
    "the configuration is damaged once",
    on(
      `/v2/x/blobs/${made.config.digest}`,
      whole((a) => ({ body: flip(a, 20) })),
      1,
    ),
    "recovered",
  ],
  // Ranges.
  ["a request for the rest is answered with all", on(largePath, thenRest(sendAll)), "recovered"],
  [
    "a request for the rest is answered with a later part",
    on(
      largePath,
      thenRest(whole(() => ({ headers: { "content-range": `bytes 200000-${size - 1}/${size}` } }))),
    ),
    "source/registry-failed",
  ],
  [
    "a request for the rest is answered with other bytes, once",
    on(largePath, thenRest(whole((a) => ({ body: flip(a) }))), 2),
    "recovered",
  ],
  ["a request for the rest can't be met", on(largePath, thenRest(status(416))), "source/blob-size"],
  // Statuses.
  ["401 without a word on how to log in", on(largePath, status(401)), "source/login-needed"],
  ["403", on(largePath, status(403)), "source/forbidden"],
  ["404 for a layer", on(largePath, status(404)), "source/not-found"],
  ["404 for the tag", on(tagPath, status(404), Infinity, "HEAD"), "source/not-found"],
  ["408 once", on(largePath, status(408), 1), "recovered"],
  ["425 once", on(largePath, status(425), 1), "recovered"],
  ["500 once", on(largePath, status(500), 1), "recovered"],
  ["502 twice", on(manifestPath, status(502), 2), "recovered"],
  ["503 twice for HEAD", on(tagPath, status(503), 2, "HEAD"), "recovered"],
  ["504 once", on(smallPath, status(504), 1), "recovered"],
  ["503 for ever", on(tagPath, status(503), Infinity, "HEAD"), "source/registry-failed"],
  ["418", on(largePath, status(418)), "source/registry-failed"],
  [
    "429 with a pause in seconds",
    on(largePath, status(429, { "retry-after": "1" }), 1),
    "recovered",
  ],
  [
    "429 with a pause until a time",
    on(largePath, (r, a) => status(429, { "retry-after": inOneSecond() })(r, a), 1),
    "recovered",
  ],
  [
    "429 with a pause of an hour",
    on(manifestPath, status(429, { "retry-after": "3600" })),
    "source/rate-limited",
  ],
  ["429 for ever", on(manifestPath, status(429)), "source/rate-limited"],
  // Redirects.
  [
    "a redirect in a circle",
    on(largePath, status(307, { location: largePath })),
    "source/bad-redirect",
  ],
  [
    "a redirect to ftp",
    on(largePath, status(302, { location: "ftp://127.0.0.1/x" })),
    "source/bad-redirect",
  ],
  [
    "a redirect to nonsense",
    on(largePath, status(302, { location: "http://[" })),
    "source/bad-redirect",
  ],
  ["a redirect to nowhere", on(largePath, status(307)), "source/registry-failed"],
  [
    "a redirect to a host that is not there",
    on(largePath, status(307, { location: "http://127.0.0.1:9/x" })),
    "source/unreachable",
  ],
]);

faultTest("what is left of a limit is told, and the time until there is more", async (t) => {
  const proxy = await faultProxy(t, site.registry);
  proxy.fault = on(
    manifestPath,
    status(429, {
      "ratelimit-limit": "100;w=21600",
      "ratelimit-remaining": "0;w=21600",
      "docker-ratelimit-source": "192.0.2.7",
      "retry-after": "1800",
    }),
  );
  const { error } = await pull(t, proxy.host);
  t.regex(
    error?.hint ?? "",
    /0 of 100 pulls are left of every 6 hours, counted for 192\.0\.2\.7, there is more in 30 min/,
  );
});

faultTest("only what is missing is asked for again, and waiting people are told", async (t) => {
  const proxy = await faultProxy(t, site.registry);
  proxy.fault = on(largePath, cut(150_000), 1);
  const { notes } = await pull(t, proxy.host);
  const ranges = proxy.seen
    .filter(({ path }) => path === largePath)
    .map((one) => one.headers["range"]);
  t.deepEqual(ranges, [undefined, "bytes=150000-"]);
  t.regex(notes.join("\n"), /layer sha256:\w+ of .*; trying again in 0\.0 s/);
});

faultTest("a pull that is ended stops at once", async (t) => {
  const proxy = await faultProxy(t, site.registry);
  proxy.fault = on(largePath, (r, a) => begin(r, a, 10));
  const stop = new AbortController();
  await using client = new Registry({
    cacheFolder: mkdtempSync(join(site.folder, "cache-")),
    env: {},
    signal: stop.signal,
  });
  const pulling = client.open(`${proxy.host}/x:1`, platform);
  setTimeout(() => stop.abort(new Error("enough")), 200);
  const start = performance.now();
  await t.throwsAsync(pulling, { message: "enough" });
  t.true(performance.now() - start < 1500);
});
