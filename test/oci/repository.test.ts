import test from "ava";
import { FormatError, SourceError } from "../../src/model/error.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { retryAfterMs } from "../../src/oci/http-errors.ts";
import { Repository } from "../../src/oci/repository.ts";
import { image, textLayer } from "../helpers/oci-image.ts";
import {
  failure,
  largeBytes,
  made,
  pullLarge,
  startRepository,
} from "../helpers/scripted-repository.ts";
import { cutAfter, sendError } from "../helpers/scripted-registry.ts";

for (const status of [500, 502, 503, 504, 429, 408]) {
  test(`status ${status} is tried again`, async (t) => {
    const { registry, repository } = await startRepository(t);
    registry.rule = ({ path }, response, count) => {
      if (path === "/v2/" || count >= 2) return false;
      sendError(response, status, "X", "later");
      return true;
    };
    t.true((await repository.manifest("1")).bytes.equals(made.manifest.bytes));
    t.true((await pullLarge(repository)).equals(largeBytes));
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
    const { registry, repository } = await startRepository(t, { attempts: 3 });
    registry.rule = ({ path }, response) => {
      if (path === "/v2/") return false;
      sendError(response, status, "CODE", "what the\nserver says");
      return true;
    };
    const error = await failure(t, repository.manifest("1"), code);
    t.regex(error.message, /what the server says/);
    t.true(error.message.includes(`${registry.host}/x:1`));
    t.is(registry.seen.filter(({ path }) => path !== "/v2/").length, times);
    await failure(t, pullLarge(repository), code);
    if (status === 404 || status === 401) await failure(t, repository.digestOf("1"), code);
  });
}

test("Retry-After is waited for, and not if it is too long", async (t) => {
  const { registry, repository } = await startRepository(t);
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
  const { registry, repository } = await startRepository(t);
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
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(200).end(Buffer.alloc(5 * 1024 * 1024, " "));
    return true;
  };
  await failure(t, repository.manifest("1"), "source/registry-failed");
});

test("a manifest that breaks off is asked for again", async (t) => {
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path }, response, count) => {
    if (path === "/v2/" || count > 1) return false;
    cutAfter(response, made.manifest, 0, 100);
    return true;
  };
  t.true((await repository.manifest("1")).bytes.equals(made.manifest.bytes));
});

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

test("an interrupt while waiting for another attempt ends the wait", async (t) => {
  const controller = new AbortController();
  const { registry, repository } = await startRepository(t, {
    signal: controller.signal,
    pauseMs: 60_000,
  });
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
  const { repository } = await startRepository(t);
  await t.notThrowsAsync(repository.manifest("1"));
});

test("the registry's own errors are instances of SourceError", async (t) => {
  const { repository } = await startRepository(t);
  await t.throwsAsync(repository.manifest("2"), { instanceOf: SourceError });
});
