import { randomBytes } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import { FormatError, SourceError, type TsbuildError } from "../../src/model/error.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { retryAfterMs } from "../../src/oci/http.ts";
import { Repository, type RepositoryOptions } from "../../src/oci/repository.ts";
import { blob, image, textLayer } from "../helpers/oci-image.ts";
import {
  cutAfter,
  scriptedRegistry,
  sendError,
  type ScriptedRegistry,
} from "../helpers/scripted-registry.ts";

const bytes = randomBytes(300_000);
const large = blob(bytes, "application/vnd.oci.image.layer.v1.tar");
const made = image([textLayer({ a: "a" })]);
const wanted = { ...large, sizeBytes: large.size, annotations: {} };

async function start(
  t: ExecutionContext,
  options: Partial<RepositoryOptions> = {},
): Promise<{ registry: ScriptedRegistry; repository: Repository }> {
  const registry = await scriptedRegistry(t);
  registry.put("x", [large, ...made.blobs], { "1": made.manifest });
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const repository = new Repository(
    { registry: registry.host, repository: "x" },
    { dispatchers, pauseMs: 1, stallMs: 1500, ...options },
  );
  return { registry, repository };
}

async function pull(repository: Repository): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of repository.blob(wanted, "layer x")) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

const ofBlob = (registry: ScriptedRegistry) =>
  registry.seen.filter(({ path }) => path.includes("/blobs/"));
const isBlob = (path: string) => path.includes("/blobs/");

async function failure(t: ExecutionContext, work: Promise<unknown>, code: string) {
  const error = await t.throwsAsync<TsbuildError>(work);
  t.is(error.code, code, error.stack);
  t.truthy(error.hint);
  return error;
}

test("a blob and a manifest come whole", async (t) => {
  const { repository } = await start(t);
  t.true((await pull(repository)).equals(bytes));
  const manifest = await repository.manifest("1");
  t.true(manifest.bytes.equals(made.manifest.bytes));
  t.is(manifest.digest, made.manifest.digest);
  t.is(await repository.digestOf("1"), made.manifest.digest);
  t.true(
    (
      await repository.document(
        { ...made.config, sizeBytes: made.config.size, annotations: {} },
        "c",
      )
    ).equals(made.config.bytes),
  );
});

test("a connection that breaks again and again is taken up where it broke", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path, headers }, response, count) => {
    if (!isBlob(path) || count >= 8) return false;
    const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    cutAfter(response, large, from, 30_000);
    return true;
  };
  t.true((await pull(repository)).equals(bytes));
  const ranges = ofBlob(registry).map(({ headers }) => headers.range);
  t.is(ranges.length, 9);
  t.is(ranges[0], undefined);
  t.deepEqual(
    ranges.slice(1),
    Array.from({ length: 8 }, (_, at) => `bytes=${(at + 1) * 30_000}-`),
  );
});

test("a server without ranges is read from the start again", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response, count) => {
    if (!isBlob(path)) return false;
    if (count === 0) cutAfter(response, large, 0, 100_000);
    else response.writeHead(200, { "content-length": large.size }).end(large.bytes);
    return true;
  };
  t.true((await pull(repository)).equals(bytes));
});

test("a connection that brings nothing is given up after some attempts", async (t) => {
  const { registry, repository } = await start(t, { attempts: 3 });
  registry.rule = ({ path }, response) => {
    if (!isBlob(path)) return false;
    response.destroy();
    return true;
  };
  const error = await failure(t, pull(repository), "source/unreachable");
  t.true(error.message.includes(registry.host));
  t.is(ofBlob(registry).length, 3);
});

test("a server that stalls in the middle is left, and asked again", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response, count) => {
    if (!isBlob(path) || count > 0) return false;
    response.writeHead(200, { "content-length": large.size });
    response.write(large.bytes.subarray(0, 100_000));
    return true;
  };
  t.true((await pull(repository)).equals(bytes));
  t.is(ofBlob(registry).length, 2);
});

test("a server that never answers is given up", async (t) => {
  const { registry, repository } = await start(t, { attempts: 1 });
  registry.rule = ({ path }) => isBlob(path);
  const error = await failure(t, pull(repository), "source/unreachable");
  t.regex(error.message, /stopped sending/);
});

test("too many bytes, or too few of them, are noticed", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response) => {
    if (!isBlob(path)) return false;
    response.writeHead(200).end(Buffer.concat([bytes, Buffer.from("more")]));
    return true;
  };
  await failure(t, pull(repository), "source/blob-size");
  registry.rule = ({ path, headers }, response) => {
    if (!isBlob(path)) return false;
    if (headers.range === undefined) response.writeHead(200).end(bytes.subarray(0, 1000));
    else response.writeHead(416).end();
    return true;
  };
  await failure(t, pull(repository), "source/blob-size");
});

test("an answer for another range than asked is not used", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response, count) => {
    if (!isBlob(path)) return false;
    if (count === 0) cutAfter(response, large, 0, 1000);
    else {
      response.writeHead(206, { "content-range": `bytes 2000-${large.size - 1}/${large.size}` });
      response.end(bytes.subarray(2000));
    }
    return true;
  };
  await failure(t, pull(repository), "source/registry-failed");
});

for (const status of [500, 502, 503, 504, 429, 408]) {
  test(`status ${status} is tried again`, async (t) => {
    const { registry, repository } = await start(t);
    registry.rule = ({ path }, response, count) => {
      if (path === "/v2/" || count >= 2) return false;
      sendError(response, status, "X", "later");
      return true;
    };
    t.true((await repository.manifest("1")).bytes.equals(made.manifest.bytes));
    t.true((await pull(repository)).equals(bytes));
  });
}

const statuses: readonly [number, string, number][] = [
  [401, "source/login-needed", 1],
  [403, "source/forbidden", 1],
  [404, "source/not-found", 1],
  [429, "source/rate-limited", 3],
  [500, "source/registry-failed", 3],
  [418, "source/registry-failed", 1],
];
for (const [status, code, times] of statuses) {
  test(`status ${status} for ever is ${code}, after asking ${times} times`, async (t) => {
    const { registry, repository } = await start(t, { attempts: 3 });
    registry.rule = ({ path }, response) => {
      if (path === "/v2/") return false;
      sendError(response, status, "CODE", "what the\nserver says");
      return true;
    };
    const error = await failure(t, repository.manifest("1"), code);
    t.regex(error.message, /what the server says/);
    t.true(error.message.includes(`${registry.host}/x:1`));
    t.is(registry.seen.filter(({ path }) => path !== "/v2/").length, times);
    await failure(t, pull(repository), code);
    if (status === 404 || status === 401) await failure(t, repository.digestOf("1"), code);
  });
}

test("Retry-After is waited for, and not if it is too long", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response, count) => {
    if (path === "/v2/" || count > 0) return false;
    sendError(response, 429, "TOOMANYREQUESTS", "slow", { "retry-after": "1" });
    return true;
  };
  const started = performance.now();
  await repository.manifest("1");
  t.true(performance.now() - started > 950);
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    sendError(response, 429, "TOOMANYREQUESTS", "slow", { "retry-after": "3600" });
    return true;
  };
  await failure(t, repository.manifest("1"), "source/rate-limited");
});

test("Retry-After is seconds or a date", (t) => {
  t.is(retryAfterMs("7"), 7000);
  t.is(retryAfterMs("Wed, 21 Oct 2015 07:28:00 GMT", Date.UTC(2015, 9, 21, 7, 27, 30)), 30_000);
  t.is(retryAfterMs("Wed, 21 Oct 2015 07:28:00 GMT", Date.UTC(2016, 1, 1)), 0);
  t.is(retryAfterMs("soon"), undefined);
  t.is(retryAfterMs(undefined), undefined);
});

test("other content than the digest says is refused", async (t) => {
  const { registry, repository } = await start(t);
  const other = image([textLayer({ b: "b" })]).manifest;
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(200, { "content-type": other.mediaType }).end(other.bytes);
    return true;
  };
  await t.throwsAsync(repository.manifest(made.manifest.digest), {
    instanceOf: FormatError,
    code: "source/digest-mismatch",
  });
  // With a tag only the header tells what it should be.
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(200, { "docker-content-digest": made.manifest.digest }).end(other.bytes);
    return true;
  };
  await t.throwsAsync(repository.manifest("1"), { code: "source/digest-mismatch" });
});

test("an endless manifest is not read", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(200).end(Buffer.alloc(5 * 1024 * 1024, " "));
    return true;
  };
  await failure(t, repository.manifest("1"), "source/registry-failed");
});

test("a manifest that breaks off is asked for again", async (t) => {
  const { registry, repository } = await start(t);
  registry.rule = ({ path }, response, count) => {
    if (path === "/v2/" || count > 1) return false;
    cutAfter(response, made.manifest, 0, 100);
    return true;
  };
  t.true((await repository.manifest("1")).bytes.equals(made.manifest.bytes));
});

test("a redirect to another host is followed without the login, and resumed from the registry", async (t) => {
  const { registry, repository } = await start(t, {
    credentials: { find: async () => ({ kind: "password", username: "u", password: "p" }) },
  });
  const storage = await scriptedRegistry(t);
  storage.rule = ({ headers, path }, response, count) => {
    if (headers.authorization !== undefined) response.writeHead(400).end();
    else if (count === 0 && path === "/signed-1") cutAfter(response, large, 0, 50_000);
    else {
      const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
      response.writeHead(206, { "content-range": `bytes ${from}-${large.size - 1}/${large.size}` });
      response.end(large.bytes.subarray(from));
    }
    return true;
  };
  let redirects = 0;
  registry.rule = ({ path, headers }, response) => {
    if (path === "/v2/") return false;
    if (headers.authorization === undefined) {
      sendError(response, 401, "UNAUTHORIZED", "login", { "www-authenticate": 'Basic realm="x"' });
    } else {
      redirects++;
      response.writeHead(307, { location: `${storage.origin}/signed-${redirects}` }).end();
    }
    return true;
  };
  t.true((await pull(repository)).equals(bytes));
  t.is(redirects, 2);
  t.deepEqual(
    storage.seen.map(({ path }) => path),
    ["/signed-1", "/signed-2"],
  );
  t.true(storage.seen.every(({ headers }) => headers.authorization === undefined));
});

test("a redirect on the same host keeps the login, relative addresses included", async (t) => {
  const { registry, repository } = await start(t, {
    credentials: { find: async () => ({ kind: "password", username: "u", password: "p" }) },
  });
  registry.rule = ({ path, headers }, response) => {
    if (path === "/v2/") return false;
    if (headers.authorization === undefined) {
      sendError(response, 401, "UNAUTHORIZED", "login", { "www-authenticate": 'Basic realm="x"' });
    } else if (path === "/here") response.writeHead(200).end(large.bytes);
    else response.writeHead(302, { location: "/here" }).end();
    return true;
  };
  t.true((await pull(repository)).equals(bytes));
});

for (const location of ["ftp://127.0.0.1/x", "http://", "circle"]) {
  test(`a redirect to ${location} is refused`, async (t) => {
    const { registry, repository } = await start(t);
    registry.rule = ({ path }, response) => {
      if (path === "/v2/") return false;
      response.writeHead(302, { location: location === "circle" ? path : location }).end();
      return true;
    };
    await failure(t, repository.manifest("1"), "source/bad-redirect");
  });
}

test("a host that is not there, and one that refuses, are named", async (t) => {
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const at = (registry: string) =>
    new Repository({ registry, repository: "x" }, { dispatchers, attempts: 2, pauseMs: 1 });
  const refused = await failure(t, at("127.0.0.1:9").manifest("1"), "source/unreachable");
  t.regex(refused.message, /127\.0\.0\.1:9.*refused/);
  const missing = await failure(t, at("nowhere.invalid").manifest("1"), "source/unreachable");
  t.regex(missing.message, /no such host|looked up/);
});

test("an interrupted pull ends at once with the reason", async (t) => {
  const controller = new AbortController();
  const { registry, repository } = await start(t, { signal: controller.signal });
  registry.rule = ({ path }, response) => {
    if (!isBlob(path)) return false;
    response.writeHead(200, { "content-length": large.size });
    response.write(large.bytes.subarray(0, 1000));
    setTimeout(() => controller.abort(new Error("Ctrl-C")), 50);
    return true;
  };
  await t.throwsAsync(pull(repository), { message: "Ctrl-C" });
  t.is(ofBlob(registry).length, 1);
});

test("an interrupt while waiting for another attempt ends the wait", async (t) => {
  const controller = new AbortController();
  const { registry, repository } = await start(t, { signal: controller.signal, pauseMs: 60_000 });
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    sendError(response, 503, "X", "later");
    setTimeout(() => controller.abort(new Error("Ctrl-C")), 50);
    return true;
  };
  await t.throwsAsync(repository.manifest("1"), { message: "Ctrl-C" });
});

test.serial("nothing is sent to a registry on this machine through a proxy", async (t) => {
  process.env["HTTP_PROXY"] = "http://127.0.0.1:9";
  t.teardown(() => delete process.env["HTTP_PROXY"]);
  const { repository } = await start(t);
  await t.notThrowsAsync(repository.manifest("1"));
});

test("the registry's own errors are instances of SourceError", async (t) => {
  const { repository } = await start(t);
  await t.throwsAsync(repository.manifest("2"), { instanceOf: SourceError });
});
