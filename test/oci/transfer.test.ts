import test from "ava";
import {
  failure,
  isBlob,
  large,
  largeBytes,
  made,
  pullLarge,
  startRepository,
} from "../helpers/scripted-repository.ts";
import {
  cutAfter,
  scriptedRegistry,
  sendError,
  type ScriptedRegistry,
} from "../helpers/scripted-registry.ts";

const ofBlob = (registry: ScriptedRegistry) => registry.seen.filter(({ path }) => isBlob(path));

test("a blob and a manifest come whole", async (t) => {
  const { repository } = await startRepository(t);
  t.true((await pullLarge(repository)).equals(largeBytes));
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
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path, headers }, response, count) => {
    if (!isBlob(path) || count >= 8) return false;
    const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    cutAfter(response, large, from, 30_000);
    return true;
  };
  t.true((await pullLarge(repository)).equals(largeBytes));
  const ranges = ofBlob(registry).map(({ headers }) => headers.range);
  t.is(ranges.length, 9);
  t.is(ranges[0], undefined);
  t.deepEqual(
    ranges.slice(1),
    Array.from({ length: 8 }, (_, at) => `bytes=${(at + 1) * 30_000}-`),
  );
});

test("a server without ranges is read from the start again", async (t) => {
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path }, response, count) => {
    if (!isBlob(path)) return false;
    if (count === 0) cutAfter(response, large, 0, 100_000);
    else response.writeHead(200, { "content-length": large.size }).end(large.bytes);
    return true;
  };
  t.true((await pullLarge(repository)).equals(largeBytes));
});

test("a connection that brings nothing is given up after some attempts", async (t) => {
  const { registry, repository } = await startRepository(t, { attempts: 3 });
  registry.rule = ({ path }, response) => {
    if (!isBlob(path)) return false;
    response.destroy();
    return true;
  };
  const error = await failure(t, pullLarge(repository), "source/unreachable");
  t.true(error.message.includes(registry.host));
  t.is(ofBlob(registry).length, 3);
});

test("a server that stalls in the middle is left, and asked again", async (t) => {
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path }, response, count) => {
    if (!isBlob(path) || count > 0) return false;
    response.writeHead(200, { "content-length": large.size });
    response.write(large.bytes.subarray(0, 100_000));
    return true;
  };
  t.true((await pullLarge(repository)).equals(largeBytes));
  t.is(ofBlob(registry).length, 2);
});

test("a server that never answers is given up", async (t) => {
  const { registry, repository } = await startRepository(t, { attempts: 1 });
  registry.rule = ({ path }) => isBlob(path);
  const error = await failure(t, pullLarge(repository), "source/unreachable");
  t.regex(error.message, /doesn't answer/);
});

test("too many bytes, or too few of them, are noticed", async (t) => {
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path }, response) => {
    if (!isBlob(path)) return false;
    response.writeHead(200).end(Buffer.concat([largeBytes, Buffer.from("more")]));
    return true;
  };
  await failure(t, pullLarge(repository), "source/blob-size");
  registry.rule = ({ path, headers }, response) => {
    if (!isBlob(path)) return false;
    if (headers.range === undefined) response.writeHead(200).end(largeBytes.subarray(0, 1000));
    else response.writeHead(416).end();
    return true;
  };
  await failure(t, pullLarge(repository), "source/blob-size");
});

test("an answer for another range than asked is not used", async (t) => {
  const { registry, repository } = await startRepository(t);
  registry.rule = ({ path }, response, count) => {
    if (!isBlob(path)) return false;
    if (count === 0) cutAfter(response, large, 0, 1000);
    else {
      response.writeHead(206, { "content-range": `bytes 2000-${large.size - 1}/${large.size}` });
      response.end(largeBytes.subarray(2000));
    }
    return true;
  };
  await failure(t, pullLarge(repository), "source/registry-failed");
});

test("a redirect to another host is followed without the login, and resumed from the registry", async (t) => {
  const { registry, repository } = await startRepository(t, {
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
  t.true((await pullLarge(repository)).equals(largeBytes));
  t.is(redirects, 2);
  t.deepEqual(
    storage.seen.map(({ path }) => path),
    ["/signed-1", "/signed-2"],
  );
  t.true(storage.seen.every(({ headers }) => headers.authorization === undefined));
});

test("a redirect on the same host keeps the login, relative addresses included", async (t) => {
  const { registry, repository } = await startRepository(t, {
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
  t.true((await pullLarge(repository)).equals(largeBytes));
});

for (const location of ["ftp://127.0.0.1/x", "http://", "circle"]) {
  test(`a redirect to ${location} is refused`, async (t) => {
    const { registry, repository } = await startRepository(t);
    registry.rule = ({ path }, response) => {
      if (path === "/v2/") return false;
      response.writeHead(302, { location: location === "circle" ? path : location }).end();
      return true;
    };
    await failure(t, repository.manifest("1"), "source/bad-redirect");
  });
}

test("an interrupted pull ends at once with the reason", async (t) => {
  const controller = new AbortController();
  const { registry, repository } = await startRepository(t, { signal: controller.signal });
  registry.rule = ({ path }, response) => {
    if (!isBlob(path)) return false;
    response.writeHead(200, { "content-length": large.size });
    response.write(large.bytes.subarray(0, 1000));
    setTimeout(() => controller.abort(new Error("Ctrl-C")), 50);
    return true;
  };
  await t.throwsAsync(pullLarge(repository), { message: "Ctrl-C" });
  t.is(ofBlob(registry).length, 1);
});
