import test, { type ExecutionContext } from "ava";
import { sha256Of } from "../../src/cache/digest.ts";
import type { TsbuildError } from "../../src/model/error.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { RegistryWriter, type WriterOptions } from "../../src/oci/registry-writer.ts";
import { type UploadBlob } from "../../src/oci/upload-blob.ts";
import { scriptedRegistry, sendError, type Rule } from "../helpers/scripted-registry.ts";
import { takeUploads, type UploadDouble } from "../helpers/upload-double.ts";

const pieces = ["one ", "two ", "three ", "four ", "five"];
const bytes = Buffer.from(pieces.join(""));

/** Pieces as they come, so that a break is in the middle of something. */
const blob: UploadBlob = {
  digest: sha256Of(bytes),
  sizeBytes: bytes.length,
  what: "the blob",
  async *read(from, to) {
    for (let at = from; at < to; at += 5) {
      yield bytes.subarray(at, Math.min(to, at + 5));
      await Promise.resolve();
    }
  },
};

async function writerFor(
  t: ExecutionContext,
  options: Partial<WriterOptions> = {},
): Promise<{ writer: RegistryWriter; double: UploadDouble }> {
  const registry = await scriptedRegistry(t);
  const double = takeUploads(registry);
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const writer = new RegistryWriter(
    { registry: registry.host, repository: "team/x" },
    { dispatchers, pauseMs: 1, monolithicBytes: 0, pieceBytes: 10, ...options },
  );
  return { writer, double };
}

const upload = (method: string, work: Rule): Rule => {
  let times = 0;
  return (request, response) =>
    request.method === method && work(request, response, times++) !== false;
};

test("a small blob goes in one request, with its digest", async (t) => {
  const { writer, double } = await writerFor(t, { monolithicBytes: 100 });
  t.is(await writer.upload(blob), "sent");
  t.deepEqual(double.blobs.get(blob.digest), bytes);
  t.deepEqual(double.log, ["GET", "HEAD", "POST", "PUT"]);
});

test("a large blob is streamed in one piece, and then closed", async (t) => {
  const { writer, double } = await writerFor(t);
  const told: number[] = [];
  t.is(await writer.upload(blob, { onProgress: (done) => told.push(done) }), "sent");
  t.deepEqual(double.blobs.get(blob.digest), bytes);
  t.deepEqual(double.log, ["GET", "HEAD", "POST", "PATCH", "PUT"]);
  t.is(told.at(-1), bytes.length);
  t.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
});

test("a blob that is there is not sent", async (t) => {
  const { writer, double } = await writerFor(t);
  double.blobs.set(blob.digest, bytes);
  t.is(await writer.upload(blob), "existed");
  t.deepEqual(double.log, ["GET", "HEAD"]);
});

test("a blob of another repository is mounted, and sent where that can't be", async (t) => {
  const { writer, double } = await writerFor(t);
  double.blobs.set(blob.digest, bytes);
  let isHidden = true;
  double.fault = ({ method }, response) => {
    if (method !== "HEAD" || !isHidden) return false;
    response.writeHead(404).end();
    return true;
  };
  t.is(await writer.upload(blob, { mountFrom: "team/other" }), "mounted");
  t.is(await writer.upload(blob, { mountFrom: "team/third" }), "sent");
  isHidden = false;
});

test("a registry that refuses to mount is sent the blob", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = ({ path }, response) => {
    if (!path.includes("mount=")) return false;
    sendError(response, 405, "UNSUPPORTED", "no");
    return true;
  };
  t.is(await writer.upload(blob, { mountFrom: "team/other" }), "sent");
  t.deepEqual(double.blobs.get(blob.digest), bytes);
});

test("an upload that breaks is gone on with where the registry has got to", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = upload("PATCH", (request, response, times) => {
    if (times > 0) return false;
    // It took the first ten bytes before the connection broke.
    double.open.set(new URL(request.path, "http://x").pathname, bytes.subarray(0, 10));
    response.destroy();
    return true;
  });
  t.is(await writer.upload(blob), "sent");
  t.deepEqual(double.blobs.get(blob.digest), bytes);
  t.true(double.log.includes("PATCH 10-22"));
  t.is(double.log.filter((word) => word === "POST").length, 1);
});

test("an upload that the registry has forgotten is begun anew", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = upload("PATCH", (_, response, times) => {
    if (times > 0) return false;
    double.open.clear();
    sendError(response, 404, "BLOB_UPLOAD_UNKNOWN", "what upload?");
    return true;
  });
  t.is(await writer.upload(blob), "sent");
  t.is(double.log.filter((word) => word === "POST").length, 2);
});

for (const status of [429, 500, 503]) {
  test(`status ${status} in the middle is tried again`, async (t) => {
    const { writer, double } = await writerFor(t);
    double.fault = upload("PATCH", (_, response, times) => {
      if (times > 1) return false;
      sendError(response, status, "BUSY", "later");
      return true;
    });
    t.is(await writer.upload(blob), "sent");
    t.deepEqual(double.blobs.get(blob.digest), bytes);
  });
}

test("what is too long for a request goes in pieces", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = ({ body }, response) => {
    if (body.length <= 10) return false;
    response.writeHead(413).end("<html>too large</html>");
    return true;
  };
  t.is(await writer.upload(blob), "sent");
  t.deepEqual(double.blobs.get(blob.digest), bytes);
  const patches = double.log.filter((word) => word.startsWith("PATCH "));
  t.deepEqual(patches, ["PATCH 0-9", "PATCH 10-19", "PATCH 20-22"]);
  t.is(double.open.size, 0);
});

test("what stays too long is told as that, and cancelled", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = upload("PATCH", (_, response) => {
    response.writeHead(413).end();
    return true;
  });
  const error = await t.throwsAsync<TsbuildError>(writer.upload(blob));
  t.is(error.code, "push/too-large");
  t.is(double.open.size, 0);
});

test("a registry that takes nothing in the end is given up, and told to forget", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = upload("PATCH", (_, response) => {
    response.destroy();
    return true;
  });
  const error = await t.throwsAsync<TsbuildError>(writer.upload(blob));
  t.is(error.code, "source/unreachable");
  t.regex(error.message, /cannot send the blob to 127\.0\.0\.1/);
  t.is(double.open.size, 0);
});

test("the digest is the registry's last word: damaged bytes are refused", async (t) => {
  const { writer, double } = await writerFor(t);
  const damaged = { ...blob, read: () => blob.read(0, 5), sizeBytes: 5 };
  const error = await t.throwsAsync<TsbuildError>(writer.upload(damaged));
  t.is(error.code, "push/refused");
  t.regex(error.message, /did not match/);
  t.is(double.open.size, 0);
});

const refusals: readonly [status: number, code: string][] = [
  [401, "push/login-needed"],
  [403, "push/forbidden"],
  [404, "push/no-repository"],
  [405, "push/read-only"],
  [413, "push/too-large"],
  [507, "push/no-space"],
  [400, "push/refused"],
];
for (const [status, code] of refusals) {
  test(`status ${status} at the start is ${code}`, async (t) => {
    const { writer, double } = await writerFor(t);
    double.fault = upload("POST", (_, response) => {
      sendError(response, status, "DENIED", "the registry's own words");
      return true;
    });
    const error = await t.throwsAsync<TsbuildError>(writer.upload(blob));
    t.is(error.code, code);
    t.regex(error.message, /the registry's own words/);
    t.is(double.tags.size, 0);
  });
}

test("an interrupted upload is cancelled", async (t) => {
  const controller = new AbortController();
  const { writer, double } = await writerFor(t, { signal: controller.signal });
  double.fault = upload("PATCH", async () => {
    controller.abort(new Error("stop"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return true;
  });
  await t.throwsAsync(writer.upload(blob), { message: "stop" });
  t.is(double.open.size, 0);
});

test("an upload's address that is none is refused", async (t) => {
  const { writer, double } = await writerFor(t);
  double.fault = upload("POST", (_, response) => {
    response.writeHead(202, { location: "ftp://elsewhere/" }).end();
    return true;
  });
  const error = await t.throwsAsync<TsbuildError>(writer.upload(blob));
  t.is(error.code, "push/refused");
  t.regex(error.message, /ftp:/);
});

test("the login is for the registry, and not for where an upload may go", async (t) => {
  const storage = await scriptedRegistry(t);
  storage.rule = (_, response) => {
    response.writeHead(201).end();
    return true;
  };
  const { writer, double } = await writerFor(t, {
    credentials: { find: async () => ({ kind: "password", username: "ann", password: "x" }) },
  });
  double.fault = ({ method, headers }, response) => {
    if (headers.authorization === undefined) {
      sendError(response, 401, "UNAUTHORIZED", "who?", { "www-authenticate": "Basic realm=x" });
      return true;
    }
    if (method !== "POST") return false;
    response.writeHead(202, { location: `${storage.origin}/upload?key=1` }).end();
    return true;
  };
  t.is(await writer.upload(blob), "sent");
  t.deepEqual(
    storage.seen.map(({ method, headers }) => [method, headers.authorization]),
    [
      ["PATCH", undefined],
      ["PUT", undefined],
    ],
  );
});

test("a registry that took another manifest is told", async (t) => {
  const { writer, double } = await writerFor(t);
  const manifest = { bytes: Buffer.from("{}"), mediaType: "application/x" };
  t.is(await writer.putManifest("1", manifest), sha256Of(manifest.bytes));
  t.deepEqual(double.tags.get("team/x:1"), { bytes: "{}", mediaType: "application/x" });
  double.fault = upload("PUT", (_, response) => {
    response.writeHead(201, { "docker-content-digest": sha256Of(Buffer.from("x")) }).end();
    return true;
  });
  const error = await t.throwsAsync<TsbuildError>(writer.putManifest("1", manifest));
  t.is(error.code, "push/digest");
});
