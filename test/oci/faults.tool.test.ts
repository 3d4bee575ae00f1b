// What networks, proxies, mirrors, token servers and registries do wrong at times, between our client and a real
// registry. Each fault is got over, or told by its code; neither takes long.

import { once } from "node:events";
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { mkdtempSync } from "node:fs";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { TsbuildError } from "../../src/model/error.ts";
import type { Login } from "../../src/oci/authorizer.ts";
import { Registry, type RegistryOptions } from "../../src/oci/registry.ts";
import {
  faultProxy,
  pass,
  type Answer,
  type Fault,
  type FaultProxy,
} from "../helpers/fault-proxy.ts";
import { image, index, layer, layoutFiles, textLayer, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import {
  makeAuthority,
  makeCertificate,
  type HostCertificate,
} from "../helpers/site-certificates.ts";
import { archive, entry } from "../helpers/tar.ts";
import { textsOf } from "../helpers/text-of-tree.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

const platform = { os: "linux", architecture: "amd64" } as const;
const noise = randomBytes(150_000).toString("hex");
const made = image(
  [textLayer({ a: "a" }), layer(archive(entry({ name: "noise" }, noise)), "plain")],
  {
    tag: "1",
  },
);
const [small, large] = made.layers.map(({ blob }) => blob);
const texts = { a: "a", noise };
const smallPath = `/v2/x/blobs/${small?.digest}`;
const largePath = `/v2/x/blobs/${large?.digest}`;
const manifestPath = `/v2/x/manifests/${made.manifest.digest}`;
const tagPath = "/v2/x/manifests/1";

const tools = ["docker-registry", "skopeo", "openssl"];
const ends: (() => unknown)[] = [];
let registry: TestRegistry;
/** For what all tests need. */
let folder: string;
let certificates: string;
/** As in `certs.d`: the authority alone. */
let trusted: string;
let good: HostCertificate;

test.before(async () => {
  if (process.env["CI"] === undefined && !tools.every((tool) => isInstalled(tool))) return;
  // The registry and the certificates are there for all tests of this file.
  const all = { teardown: (end: () => unknown) => ends.push(end) } as unknown as ExecutionContext;
  registry = await startRegistry(all);
  folder = mkdtempSync(join(tmpdir(), "tsbuild-faults-"));
  ends.push(() => rm(folder, { recursive: true }));
  const layout = join(folder, "layout");
  await writeFiles(layout, layoutFiles([made.manifest], made.blobs));
  const [from, to] = [`oci:${layout}:1`, `docker://${registry.host}/x:1`];
  await execa("skopeo", ["copy", "-q", "--dest-tls-verify=false", "--preserve-digests", from, to]);
  certificates = join(folder, "certificates");
  await mkdir(certificates);
  await makeAuthority(certificates);
  trusted = join(certificates, "trusted");
  await mkdir(trusted);
  await copyFile(join(certificates, "ca.crt"), join(trusted, "ca.crt"));
  good = await makeCertificate(certificates, "good", ["IP:127.0.0.1", "DNS:registry.test"]);
});

test.after.always(async () => {
  for (const end of ends.toReversed()) await end();
});

/** One after the other, so that what takes long is the fault's doing. */
const faultTest = (title: string, body: (t: ExecutionContext) => unknown) =>
  serialHostTest(tools.join(", "), tools.every(isInstalled), title, body);

/** No fault may keep anybody for longer, on a busy machine too: by itself each takes two seconds at most. */
const longestMs = 15_000;

/** What a pull may be told besides its image; by default it waits for nothing long. */
interface Setting extends Partial<RegistryOptions> {
  readonly from?: string;
}

interface Pulled {
  /** `recovered` when all was got, and right, else the code of what was told. */
  readonly outcome: string;
  readonly error: TsbuildError | undefined;
  readonly elapsedMs: number;
  readonly notes: readonly string[];
}

async function pull(t: ExecutionContext, host: string, setting: Setting = {}): Promise<Pulled> {
  const notes: string[] = [];
  const { from = `${host}/x:1`, ...options } = setting;
  await using client = new Registry({
    cacheFolder: mkdtempSync(join(folder, "cache-")),
    env: { CONTAINERS_REGISTRIES_CONF: "/nowhere", HOME: "/nowhere" },
    credentials: { find: async () => undefined },
    listener: (event) => event.type === "note" && notes.push(event.message),
    attempts: 3,
    pauseMs: 2,
    stallMs: 250,
    connectMs: 500,
    ...options,
  });
  const start = performance.now();
  try {
    const opened = await client.open(from, platform);
    const found = await textsOf(opened.tree);
    await opened.dispose();
    t.deepEqual(found, texts, "what came is not what was pushed");
    return { outcome: "recovered", error: undefined, elapsedMs: performance.now() - start, notes };
  } catch (error) {
    if (!(error instanceof TsbuildError)) throw error;
    t.truthy(error.hint, "an error says what to do");
    return { outcome: error.code, error, elapsedMs: performance.now() - start, notes };
  }
}

/** The answer with a part of a blob, as if it was all: the client can't know before it ends. */
function begin(response: ServerResponse, answer: Answer, bytes: number): void {
  response.writeHead(answer.status, answer.headers as Record<string, string>);
  response.write(answer.body.subarray(0, bytes));
}

/** The end comes after what was sent, and not over it as with `destroy`. */
const cut = (bytes: number) => (response: ServerResponse, answer: Answer) => {
  begin(response, answer, bytes);
  response.socket?.end();
};
const flip = ({ body }: Answer, at = 1000): Answer["body"] => {
  const wrong = Buffer.from(body);
  wrong[at % wrong.length] = (wrong[at % wrong.length] ?? 0) ^ 1;
  return wrong;
};

type Act = (response: ServerResponse, answer: Answer) => void;
const on =
  (path: string, act: Act, until = Infinity, method = "GET"): Fault =>
  (passing, response) => {
    if (passing.path !== path || passing.method !== method || passing.count >= until) return false;
    act(response, passing.answer);
    return true;
  };
const status =
  (code: number, headers: Answer["headers"] = {}): Act =>
  (response) =>
    pass(response, { status: code, headers, body: Buffer.from("no") });
const whole =
  (change: (answer: Answer) => Partial<Answer>): Act =>
  (response, answer) => {
    const changed = change(answer);
    const length =
      changed.body === undefined ? {} : { "content-length": String(changed.body.length) };
    pass(response, answer, {
      ...changed,
      headers: { ...answer.headers, ...length, ...changed.headers },
    });
  };
const size = large?.size ?? 0;
/** The first answer breaks off, and the next one is to the request for the rest. */
const thenRest =
  (act: Act): Act =>
  (response, answer) =>
    (answer.status === 206 ? act : cut(100_000))(response, answer);
const inOneSecond = () => new Date(Date.now() + 1000).toUTCString();

/** Faults of a registry, each with what must become of a pull. */
const faults: readonly (readonly [title: string, fault: Fault, outcome: string])[] = [
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
  // Manifests.
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
];

function sendAll(response: ServerResponse, answer: Answer): void {
  // Whatever range was asked for.
  const body = large?.bytes ?? Buffer.alloc(0);
  const { "content-range": _, ...headers } = answer.headers;
  pass(response, { status: 200, headers: { ...headers, "content-length": String(size) }, body });
}

/** Another manifest stands under the tag, of which nobody tells the digest. */
function byTag(body: Buffer): Fault {
  return byTagAct((response) => pass(response, { status: 200, headers: {}, body }));
}

function byTagAct(act: Act): Fault {
  return (passing, response) => {
    if (passing.path !== tagPath) return false;
    (passing.method === "HEAD" ? status(405) : act)(response, passing.answer);
    return true;
  };
}

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

for (const [title, fault, outcome] of faults) {
  faultTest(`${title}: ${outcome}`, async (t) => {
    const proxy = await faultProxy(t, registry);
    proxy.fault = fault;
    const pulled = await pull(t, proxy.host);
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.true(pulled.elapsedMs < longestMs, `it took ${pulled.elapsedMs} ms`);
  });
}

faultTest("what is left of a limit is told, and the time until there is more", async (t) => {
  const proxy = await faultProxy(t, registry);
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
  const proxy = await faultProxy(t, registry);
  proxy.fault = on(largePath, cut(150_000), 1);
  const { notes } = await pull(t, proxy.host);
  const ranges = proxy.seen
    .filter(({ path }) => path === largePath)
    .map((one) => one.headers["range"]);
  t.deepEqual(ranges, [undefined, "bytes=150000-"]);
  t.regex(notes.join("\n"), /layer sha256:\w+ of .*; trying again in 0\.0 s/);
});

const password: Login = { kind: "password", username: "ann", password: "geheim" };
const basic = `Basic ${Buffer.from("ann:geheim").toString("base64")}`;
const loggedIn = { credentials: { find: async () => password } };

/** Has a proxy want tokens, which it gives out itself at `/token`. */
function tokens(
  proxy: FaultProxy,
  token: (response: ServerResponse, count: number) => void,
  isGood: (authorization: string | undefined, path: string) => boolean,
  realm = `${proxy.origin}/token`,
): Fault {
  return ({ path, headers, count }, response) => {
    if (path.startsWith("/token")) {
      token(response, count);
      return true;
    }
    const authorization = headers["authorization"];
    if (isGood(typeof authorization === "string" ? authorization : undefined, path)) return false;
    const challenge = `Bearer realm="${realm}",service="s",scope="repository:x:pull"`;
    pass(response, {
      status: 401,
      headers: { "www-authenticate": challenge },
      body: Buffer.alloc(0),
    });
    return true;
  };
}

const giveToken = (response: ServerResponse, count: number) =>
  response.end(JSON.stringify({ token: `token-${count}` }));
const isToken = (authorization: string | undefined) =>
  /^Bearer token-\d$/.test(authorization ?? "");

const tokenFaults: readonly (readonly [string, Parameters<typeof tokens>[1], string])[] = [
  ["all is well", giveToken, "recovered"],
  ["the token server refuses", (r) => r.writeHead(401).end("{}"), "source/login-needed"],
  ["the token server forbids", (r) => r.writeHead(403).end("{}"), "source/forbidden"],
  ["the token server fails", (r) => r.writeHead(500).end(), "source/registry-failed"],
  [
    "the token server fails once",
    (r, count) => void (count === 0 ? r.writeHead(503).end() : giveToken(r, count)),
    "recovered",
  ],
  ["the token server never answers", () => undefined, "source/unreachable"],
  ["the token server drops", (r) => r.destroy(), "source/unreachable"],
  ["the token is no JSON", (r) => r.end("token-0"), "source/registry-failed"],
  ["there is no token", (r) => r.end("{}"), "source/registry-failed"],
  [
    "the token has a line break in it",
    (r) => r.end('{"token":"a\\nb: c"}'),
    "source/registry-failed",
  ],
  [
    "the token's answer has no end",
    (r) => void r.write(Buffer.alloc(2_000_000, 32)),
    "source/registry-failed",
  ],
];
for (const [title, token, outcome] of tokenFaults) {
  faultTest(`with tokens, ${title}: ${outcome}`, async (t) => {
    const proxy = await faultProxy(t, registry);
    proxy.fault = tokens(proxy, token, isToken);
    const pulled = await pull(t, proxy.host, loggedIn);
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.true(pulled.elapsedMs < longestMs, `it took ${pulled.elapsedMs} ms`);
    t.true(
      proxy.seen.some(
        ({ path, headers }) => path.startsWith("/token") && headers["authorization"] === basic,
      ),
    );
    t.false(
      `${pulled.error?.message} ${pulled.error?.hint} ${pulled.notes.join()}`.includes("geheim"),
    );
  });
}

faultTest("a token that runs out in the middle of a pull is renewed", async (t) => {
  const proxy = await faultProxy(t, registry);
  let issued = 0;
  const spent = new Map<string, number>();
  // Each token is good for two requests.
  proxy.fault = tokens(
    proxy,
    (response) => void response.end(JSON.stringify({ token: `token-${issued++}` })),
    (authorization = "") => {
      const uses = spent.get(authorization) ?? 0;
      spent.set(authorization, uses + 1);
      return isToken(authorization) && uses < 2;
    },
  );
  t.is((await pull(t, proxy.host, loggedIn)).outcome, "recovered");
  t.true(issued >= 2);
});

faultTest("a registry that takes no token is not asked for ever", async (t) => {
  const proxy = await faultProxy(t, registry);
  proxy.fault = tokens(proxy, giveToken, () => false);
  t.is((await pull(t, proxy.host, loggedIn)).outcome, "source/login-needed");
  t.true(proxy.seen.length < 12);
});

faultTest(
  "a login never goes to another host, by redirect or to a token server over plain http",
  async (t) => {
    const proxy = await faultProxy(t, registry);
    const storage = await faultProxy(t, registry);
    proxy.fault = (passing, response) => {
      const { path, headers } = passing;
      if (headers["authorization"] !== basic) {
        return (
          status(401, { "www-authenticate": 'Basic realm="x"' })(response, passing.answer), true
        );
      }
      if (path !== largePath) return false;
      return (
        status(307, { location: `${storage.origin}${path}` })(response, passing.answer), true
      );
    };
    t.is((await pull(t, proxy.host, loggedIn)).outcome, "recovered");
    t.is(storage.seen.length, 1);
    t.is(storage.seen[0]?.headers["authorization"], undefined);

    const secure = await faultProxy(t, registry, good);
    secure.fault = tokens(secure, giveToken, isToken, "http://tokens.test/token");
    const knowing = { ...loggedIn, certificateFolder: trusted };
    t.is((await pull(t, secure.host, knowing)).outcome, "source/registry-failed");

    secure.fault = on(largePath, status(307, { location: `${storage.origin}${largePath}` }));
    const downgraded = await pull(t, secure.host, { certificateFolder: trusted });
    t.is(downgraded.outcome, "source/bad-redirect");
    t.regex(downgraded.error?.message ?? "", /from https:\/\/ to http:\/\//);
  },
);

const tlsFaults: readonly (readonly [
  string,
  () => Promise<HostCertificate>,
  Setting,
  string,
  RegExp?,
])[] = [
  ["a certificate of the site", async () => good, {}, "recovered"],
  [
    "a certificate that has run out",
    () => makeCertificate(certificates, "old", ["IP:127.0.0.1"], [-3, -1]),
    {},
    "source/unreachable",
    /certificate is not trusted \(.*expired/,
  ],
  [
    "a certificate from the future",
    () => makeCertificate(certificates, "young", ["IP:127.0.0.1"], [2, 9]),
    {},
    "source/unreachable",
    /certificate is not trusted/,
  ],
  [
    "a certificate for another host",
    () => makeCertificate(certificates, "other", ["DNS:elsewhere.test"]),
    {},
    "source/unreachable",
    /certificate is not trusted/,
  ],
  [
    "a certificate of an authority that nobody knows",
    async () => good,
    { certificateFolder: "/nowhere" },
    "source/unreachable",
    /certificate is not trusted/,
  ],
];
for (const [title, certificate, setting, outcome, message = /^/] of tlsFaults) {
  faultTest(`over TLS, ${title}: ${outcome}`, async (t) => {
    const proxy = await faultProxy(t, registry, await certificate());
    const pulled = await pull(t, proxy.host, { certificateFolder: trusted, ...setting });
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.regex(pulled.error?.message ?? "", message);
    t.true(pulled.elapsedMs < longestMs);
  });
}

/** A server below HTTP, that does what it is told with each connection. */
async function socketServer(t: ExecutionContext, act: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    act(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

faultTest(
  "a registry that is not there is told of within seconds, with the usual patience",
  async (t) => {
    const usual = {
      attempts: undefined,
      pauseMs: undefined,
      stallMs: undefined,
      connectMs: undefined,
    };
    const [refused, unknown] = await Promise.all([
      pull(t, "127.0.0.1:9", usual),
      pull(t, "registry.invalid", usual),
    ]);
    t.is(refused.outcome, "source/unreachable");
    t.regex(refused.error?.message ?? "", /the connection was refused/);
    // Half a second and then a second, not the five attempts that a registry gets which has answered before.
    t.is(refused.notes.length, 2);
    t.true(refused.elapsedMs < longestMs, `${refused.elapsedMs}`);
    t.is(unknown.outcome, "source/unreachable");
    t.regex(unknown.error?.message ?? "", /no such host|can't be looked up/);
    t.true(unknown.elapsedMs < longestMs, `${unknown.elapsedMs}`);
  },
);

faultTest("a host that takes connections and says nothing is told of in time", async (t) => {
  const silent = await socketServer(t, () => undefined);
  const overHttp = await pull(t, `127.0.0.1:${silent}`, { noHttps: true });
  t.is(overHttp.outcome, "source/unreachable");
  t.regex(overHttp.error?.message ?? "", /doesn't answer/);
  t.true(overHttp.elapsedMs < longestMs, `${overHttp.elapsedMs}`);
  // The handshake of TLS belongs to the connecting.
  const env = { HTTPS_PROXY: `http://127.0.0.1:${await tunnelTo(t, silent)}` };
  const overTls = await pull(t, "registry.test", { env });
  t.is(overTls.outcome, "source/unreachable");
  t.true(overTls.elapsedMs < longestMs, `${overTls.elapsedMs}`);
});

faultTest("a host that hangs up at once is told of", async (t) => {
  const port = await socketServer(t, (socket) => void socket.destroy());
  t.is((await pull(t, `127.0.0.1:${port}`)).outcome, "source/unreachable");
});

faultTest("a host that speaks plain http where https is wanted is told of", async (t) => {
  const plain = await faultProxy(t, registry);
  const env = {
    HTTPS_PROXY: `http://127.0.0.1:${await tunnelTo(t, Number(plain.host.split(":")[1]))}`,
  };
  const pulled = await pull(t, "registry.test", { env });
  t.is(pulled.outcome, "source/unreachable");
  t.regex(pulled.error?.hint ?? "", /--no-https/);
});

/** A proxy whose tunnels all lead to one port. */
async function tunnelTo(t: ExecutionContext, port: number): Promise<number> {
  return socketServer(t, (client) => {
    client.once("data", () => {
      const server = connect(port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      server.on("error", () => client.destroy());
      t.teardown(() => server.destroy());
    });
  });
}

const answerTunnel = (text: string) => (socket: Socket) =>
  void socket.once("data", () => void socket.end(text));
const proxyFaults: readonly (readonly [
  string,
  ((socket: Socket) => void) | undefined,
  string,
  RegExp,
])[] = [
  ["a proxy that is not there", undefined, "source/unreachable", /refused/],
  [
    "a proxy that wants a login",
    answerTunnel("HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n"),
    "source/unreachable",
    /the proxy wants a login/,
  ],
  [
    "a proxy that forbids",
    answerTunnel("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"),
    "source/unreachable",
    /the proxy doesn't pass the request on \(status 403\)/,
  ],
  [
    "a proxy that fails",
    answerTunnel("HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n"),
    "source/unreachable",
    /the proxy doesn't pass the request on \(status 502\)/,
  ],
  ["a proxy that hangs up", (socket) => void socket.destroy(), "source/unreachable", /./],
  ["a proxy that says nothing", () => undefined, "source/unreachable", /./],
];
for (const [title, act, outcome, message] of proxyFaults) {
  faultTest(`${title}: ${outcome}`, async (t) => {
    const port = act === undefined ? 9 : await socketServer(t, act);
    const env = { HTTPS_PROXY: `http://ann:geheim@127.0.0.1:${port}` };
    const pulled = await pull(t, "registry.test", { env });
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.regex(pulled.error?.message ?? "", message);
    t.false(
      `${pulled.error?.message} ${pulled.error?.hint} ${pulled.notes.join()}`.includes("geheim"),
    );
    t.true(pulled.elapsedMs < longestMs, `${pulled.elapsedMs}`);
  });
}

faultTest("a proxy of the environment is used for what is not on this machine", async (t) => {
  const secure = await faultProxy(t, registry, good);
  const env = {
    https_proxy: `http://127.0.0.1:${await tunnelTo(t, Number(secure.host.split(":")[1]))}`,
  };
  const pulled = await pull(t, "registry.test", { env, certificateFolder: trusted });
  t.is(pulled.outcome, "recovered", pulled.error?.stack);
});

/** A registries.conf with mirrors of `registry.invalid`, which is not there itself. */
async function mirrored(mirrors: readonly string[], more = ""): Promise<Setting> {
  const file = join(mkdtempSync(join(folder, "mirrors-")), "registries.conf");
  const places = mirrors.map((host) => `[[registry.mirror]]\nlocation = "${host}"\n`);
  await writeFile(file, `[[registry]]\nlocation = "registry.invalid"\n${more}${places.join("")}`);
  return {
    env: { CONTAINERS_REGISTRIES_CONF: file, HOME: "/nowhere" },
    from: "registry.invalid/x:1",
  };
}

const mirrorFaults: readonly (readonly [string, Fault])[] = [
  ["lacks the tag", on(tagPath, status(404), Infinity, "HEAD")],
  ["fails", on(tagPath, status(503), Infinity, "HEAD")],
  ["wants a login", on(tagPath, status(401), Infinity, "HEAD")],
  ["lacks a layer", on(largePath, status(404))],
  [
    "drops in the middle of a layer, and is gone",
    (passing, response) => {
      if (passing.path !== largePath) return false;
      (passing.count === 0 ? cut(100_000) : (r: ServerResponse) => r.destroy())(
        response,
        passing.answer,
      );
      return true;
    },
  ],
  ["stalls", on(manifestPath, () => undefined)],
  [
    "serves a damaged layer",
    on(
      largePath,
      whole((a) => ({ body: flip(a) })),
    ),
  ],
  [
    "serves a damaged manifest",
    on(
      manifestPath,
      whole((a) => ({ body: flip(a, 20) })),
    ),
  ],
  ["serves a page", byTag(Buffer.from("<html>"))],
];
for (const [title, fault] of mirrorFaults) {
  const last = title === "serves a page" ? "source/bad-manifest" : "recovered";
  faultTest(`a mirror that ${title} is left for the next: ${last}`, async (t) => {
    const proxy = await faultProxy(t, registry);
    proxy.fault = fault;
    const pulled = await pull(t, "", await mirrored(["127.0.0.1:9", proxy.host, registry.host]));
    t.is(pulled.outcome, last, pulled.error?.stack);
    t.regex(pulled.notes.join("\n"), /the mirror 127\.0\.0\.1:9\/x is left out/);
  });
}

faultTest("where no mirror helps, the registry's own error is told", async (t) => {
  const pulled = await pull(t, "", await mirrored(["127.0.0.1:9"]));
  t.is(pulled.outcome, "source/unreachable");
  t.regex(pulled.error?.message ?? "", /registry\.invalid/);
  const blocked = await pull(t, "", await mirrored([registry.host], "blocked = true\n"));
  t.is(blocked.outcome, "source/blocked");
});

faultTest("a pull that is ended stops at once", async (t) => {
  const proxy = await faultProxy(t, registry);
  proxy.fault = on(largePath, (r, a) => begin(r, a, 10));
  const stop = new AbortController();
  await using client = new Registry({
    cacheFolder: mkdtempSync(join(folder, "cache-")),
    env: {},
    signal: stop.signal,
  });
  const pulling = client.open(`${proxy.host}/x:1`, platform);
  setTimeout(() => stop.abort(new Error("enough")), 200);
  const start = performance.now();
  await t.throwsAsync(pulling, { message: "enough" });
  t.true(performance.now() - start < 1500);
});
