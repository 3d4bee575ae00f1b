import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { sha256Of } from "../../src/cache/digest.ts";
import { LibraryClient } from "../../src/library-client/library-client.ts";
import {
  containerPath,
  parseLibraryReference,
} from "../../src/library-client/library-reference.ts";
import { readRemotes } from "../../src/library-client/library-server.ts";
import { pushToLibrary } from "../../src/library-client/push-to-library.ts";
import type { TsbuildError } from "../../src/model/error.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { HttpClient } from "../../src/oci/http.ts";
import { smallBlob } from "../../src/oci/upload-blob.ts";
import {
  hashOf,
  libraryDouble,
  libraryToken,
  type LibraryDouble,
} from "../helpers/library-double.ts";
import { blob, descriptor, json } from "../helpers/oci-image.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { writeSmallSif } from "../helpers/small-sif.ts";

const names: readonly (readonly [
  text: string,
  host: string | undefined,
  path: string,
  tags: string,
])[] = [
  ["lolcow", undefined, "library/default/lolcow", "latest"],
  ["sylabs/lolcow", undefined, "library/sylabs/lolcow", "latest"],
  ["library://ann/tools/app:1,2", undefined, "ann/tools/app", "1,2"],
  ["host.example:8443/ann/tools/app:1", "host.example:8443", "ann/tools/app", "1"],
  [
    `ann/tools/app:sha256.${"a".repeat(64)}`,
    undefined,
    "ann/tools/app",
    `sha256.${"a".repeat(64)}`,
  ],
];
for (const [text, host, path, tags] of names) {
  test(`${text} is ${path}`, (t) => {
    const reference = parseLibraryReference(text);
    t.is(reference.host, host);
    t.is(containerPath(reference), path);
    t.is(reference.tags.join(","), tags);
  });
}

for (const text of ["", "a/b/c/d/e", "Ann/tools/app", "ann//app", "app:", "app:a b", "a/../b"]) {
  test(`${JSON.stringify(text)} is no name`, (t) => {
    const error = t.throws<TsbuildError>(() => parseLibraryReference(text));
    t.is(error.code, "source/bad-reference");
  });
}

test("the endpoint that is in use is read from remote.yaml as Apptainer writes it", (t) => {
  const text = `Active: mine
Remotes:
  DefaultRemote:
    URI: cloud.apptainer.org
    System: true
    Exclusive: false
  mine:
    URI: "cloud.example"
    Token: abc.def
    System: false
    Keyservers:
    - URI: https://keys.example
      Skip: false
`;
  t.deepEqual(readRemotes(text), { uri: "cloud.example", token: "abc.def" });
  t.is(readRemotes(""), undefined);
  t.is(readRemotes("Active: none\nRemotes:\n  other:\n    URI: x\n"), undefined);
});

const sif = async (t: ExecutionContext) => writeSmallSif(join(await scratch(t), "x.sif"));

async function served(t: ExecutionContext) {
  const server = await libraryDouble(t);
  const folder = await scratch(t);
  const environment = { HOME: folder, TMPDIR: folder };
  const run = (...words: string[]) => runCli(["-q", ...words], folder, environment);
  return { server, folder, run };
}

test("an image is pulled, and checked against what the server says of it", async (t) => {
  const { server, folder, run } = await served(t);
  const bytes = await sif(t);
  server.add("ann/tools/app", "1", "amd64", bytes);
  const words = ["pull", "--library", server.origin, "library://ann/tools/app:1"];
  const pulled = await run(...words);
  t.is(pulled.exitCode, 0, pulled.error?.message);
  t.true((await readFile(join(folder, "app_1.sif"))).equals(bytes));
  t.is((await run("pull", "b.sif", `library://${server.host}/ann/tools/app:1`)).exitCode, 0);

  const foreign = await run(
    "pull",
    "--arch",
    "arm64",
    "c.sif",
    `library://${server.host}/ann/tools/app:1`,
  );
  t.is(foreign.error?.code, "source/not-found");
  t.regex(foreign.error?.message ?? "", /arm64/);

  for (const image of server.images.values())
    image.bytes = Buffer.concat([bytes.subarray(1), Buffer.of(0)]);
  const damaged = await run(
    "pull",
    "--force",
    "--library",
    server.origin,
    "library://ann/tools/app:1",
  );
  t.is(damaged.error?.code, "source/digest-mismatch");
  t.true((await readFile(join(folder, "app_1.sif"))).equals(bytes));
});

test("a definition starts from it", async (t) => {
  const { server, folder, run } = await served(t);
  server.add("library/default/app", "latest", "amd64", await sif(t));
  await writeFile(
    join(folder, "x.def"),
    `Bootstrap: library\nFrom: app\nLibrary: ${server.origin}\n%labels\n    Colour blue\n`,
  );
  const built = await run("build", "x.sif", "x.def");
  t.is(built.exitCode, 0, built.error?.message);
  t.regex((await run("ls", "x.sif", "/bin")).stdout, /perl/);
});

test("a newer server is a registry with another door", async (t) => {
  const { server, folder, run } = await served(t);
  const file = blob(await sif(t), "application/vnd.sylabs.sif.layer.v1.sif");
  const config = json({}, "application/vnd.sylabs.sif.config.v1+json");
  const manifest = json(
    { schemaVersion: 2, config: descriptor(config), layers: [descriptor(file)] },
    "application/vnd.oci.image.manifest.v1+json",
  );
  server.put("mapped/app", [file, config, manifest], { "1": manifest });
  server.fault = ({ path, headers }, response) => {
    if (path.startsWith("/v1/oci-redirect")) {
      response.end(
        JSON.stringify({ data: { url: server.origin, token: "t1", name: "mapped/app" } }),
      );
      return true;
    }
    if (!path.startsWith("/v2/mapped") || headers.authorization === "Bearer t1") return false;
    response.writeHead(401, { "www-authenticate": 'Bearer realm="x"' }).end();
    return true;
  };
  const pulled = await run("pull", `library://${server.host}/ann/tools/app:1`);
  t.is(pulled.exitCode, 0, pulled.error?.message);
  t.true((await readFile(join(folder, "app_1.sif"))).equals(file.bytes));
});

test("the remote endpoint that is in use is asked where its library is", async (t) => {
  const { server, folder, run } = await served(t);
  server.add("ann/tools/app", "1", "amd64", await sif(t));
  const before = process.env["HOME"];
  t.teardown(() => void (process.env["HOME"] = before ?? ""));
  process.env["HOME"] = folder;
  const nobody = await run("pull", "library://ann/tools/app:1");
  t.is(nobody.error?.code, "source/no-library");
  await mkdir(join(folder, ".apptainer"));
  const remotes = `Active: mine\nRemotes:\n  mine:\n    URI: ${server.host}\n    Token: ${libraryToken}\n`;
  await writeFile(join(folder, ".apptainer/remote.yaml"), remotes);
  const pulled = await run("pull", "library://ann/tools/app:1");
  t.is(pulled.exitCode, 0, pulled.error?.message);
  t.true(server.seen.some(({ headers }) => headers.authorization === `Bearer ${libraryToken}`));
  // A token is for the server that gave it.
  const other = await libraryDouble(t);
  other.add("ann/tools/app", "1", "amd64", await sif(t));
  t.is((await run("pull", "o.sif", `library://${other.host}/ann/tools/app:1`)).exitCode, 0);
  t.false(other.seen.some(({ headers }) => headers.authorization !== undefined));
});

function clientOf(
  t: ExecutionContext,
  server: LibraryDouble,
  token: string | undefined,
): LibraryClient {
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const http = new HttpClient({ dispatchers, pauseMs: 1 });
  return new LibraryClient(http, { base: new URL(`${server.origin}/`), token });
}

const reference = parseLibraryReference("ann/tools/app:1,latest");
const file = smallBlob(Buffer.from("an image of forty-two bytes, more or less."), "app.sif");
const options = { architecture: "amd64", description: "what it is" };

for (const [how, most] of [
  ["in one piece", 100],
  ["in parts", 20],
] as const) {
  test(`a file is pushed ${how}, with all that has to be above it`, async (t) => {
    const server = await libraryDouble(t);
    const client = clientOf(t, server, libraryToken);
    const push = () => pushToLibrary(client, reference, file, { ...options, multipartBytes: most });
    t.is(await push(), file.digest);
    t.deepEqual(
      [...server.things.keys()],
      ["entities/ann", "collections/ann/tools", "containers/ann/tools/app"],
    );
    const [image] = [...server.images.values()];
    t.is(image?.uploaded, true);
    t.is(`sha256:${image?.hash.slice(7)}`, sha256Of(image?.bytes ?? Buffer.alloc(0)));
    t.deepEqual(
      [...server.tags.keys()].map((key) => key.split(" ").slice(1)),
      [
        ["amd64", "1"],
        ["amd64", "latest"],
      ],
    );
    // The second time nothing is sent.
    const before = server.seen.length;
    await push();
    t.false(server.seen.slice(before).some(({ path }) => path.startsWith("/storage")));
    t.is(server.images.size, 1);
  });
}

test("without a token, and with a wrong one, nothing is pushed", async (t) => {
  const server = await libraryDouble(t);
  for (const token of [undefined, "another"]) {
    const error = await t.throwsAsync<TsbuildError>(
      pushToLibrary(clientOf(t, server, token), reference, file, options),
    );
    t.is(error.code, "push/login-needed");
  }
  t.is(server.things.size, 0);
});

test("an upload in parts that fails is given up on the server, and no tag is set", async (t) => {
  const server = await libraryDouble(t);
  server.fault = ({ method, path }, response) => {
    if (method !== "PUT" || !/^\/storage\/\w+\/3$/.test(path)) return false;
    response.writeHead(403).end();
    return true;
  };
  const client = clientOf(t, server, libraryToken);
  const error = await t.throwsAsync<TsbuildError>(
    pushToLibrary(client, reference, file, { ...options, multipartBytes: 20 }),
  );
  t.is(error.code, "push/forbidden");
  t.is(server.open.size, 0);
  t.is(server.tags.size, 0);
});

test("the command says where the image is, and an image comes back as it went", async (t) => {
  const { server, folder } = await served(t);
  const bytes = Buffer.from("not a SIF");
  await writeFile(join(folder, "no.sif"), bytes);
  const environment = {
    HOME: folder,
    TMPDIR: folder,
    TSBUILD_LIBRARY: server.origin,
    TSBUILD_LIBRARY_TOKEN: libraryToken,
  };
  const wrong = await runCli(
    ["-q", "push", "no.sif", "library://ann/tools/app:1"],
    folder,
    environment,
  );
  t.is(wrong.error?.code, "sif/not-sif");
  await writeFile(join(folder, "x.sif"), await sif(t));
  const pushed = await runCli(
    ["-q", "push", "x.sif", "library://ann/tools/app:1"],
    folder,
    environment,
  );
  t.is(pushed.exitCode, 0, pushed.error?.message);
  const hash = hashOf(await readFile(join(folder, "x.sif")));
  t.is(pushed.stdout, `library://${server.host}/ann/tools/app:1 ${hash.replace(".", ":")}\n`);
  t.deepEqual(
    [...server.images.values()].map((image) => image.hash),
    [hash],
  );
});
