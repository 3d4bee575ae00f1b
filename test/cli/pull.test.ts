import { readFile, readdir, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parsePullSource, pullName } from "../../src/cli/pull-name.ts";
import type { TsbuildError } from "../../src/model/error.ts";
import { blob, descriptor, json } from "../helpers/oci-image.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { cutAfter, scriptedRegistry, type ScriptedRegistry } from "../helpers/scripted-registry.ts";
import { writeSmallSif } from "../helpers/small-sif.ts";

// As `apptainer pull` calls them.
const names: readonly (readonly [source: string, name: string])[] = [
  ["docker://debian:12", "debian_12.sif"],
  ["docker://quay.io/org/tool:1.2--0", "tool_1.2--0.sif"],
  ["docker://debian", "debian_latest.sif"],
  ["oras://host:5000/team/app:1", "app_1.sif"],
  ["library://lolcow", "lolcow_latest.sif"],
  ["library:a/b/c:x,y", "c_x.sif"],
  ["lolcow", "lolcow_latest.sif"],
  ["https://depot.example/singularity/samtools:1.9--8", "samtools:1.9--8"],
  ["https://depot.example/singularity/samtools%3A1.9--8", "samtools:1.9--8"],
  ["https://host/app.sif?token=1", "app.sif"],
];
for (const [source, name] of names) {
  test(`${source} becomes ${name}`, (t) => {
    t.is(pullName(parsePullSource(source)), name);
  });
}

for (const source of ["debian:12", "docker://", "", "https://host/a%2fb", "https://host/.."]) {
  test(`${JSON.stringify(source)} can't be pulled`, (t) => {
    const error = t.throws<TsbuildError>(() => pullName(parsePullSource(source)));
    t.regex(error.code, /^usage\/(pull-source|no-target)$/);
  });
}

interface Served {
  readonly server: ScriptedRegistry;
  readonly folder: string;
  readonly bytes: Buffer;
  readonly pull: (...words: string[]) => ReturnType<typeof runCli>;
}

/** A web server with one image file, `/x.sif`. */
async function served(t: ExecutionContext): Promise<Served> {
  const server = await scriptedRegistry(t);
  const folder = await scratch(t);
  const bytes = await writeSmallSif(join(await scratch(t), "x.sif"));
  const image = blob(bytes, "application/octet-stream");
  server.rule = ({ path, headers }, response, count) => {
    if (path !== "/x.sif") return false;
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    if (count < 3) cutAfter(response, image, from, 5000);
    else {
      response.writeHead(from > 0 ? 206 : 200, {
        "content-length": bytes.length - from,
        etag: '"1"',
        ...(from > 0
          ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
          : {}),
      });
      response.end(bytes.subarray(from));
    }
    return true;
  };
  const environment = { HOME: folder, TMPDIR: folder };
  const pull = (...words: string[]) => runCli(["-q", "pull", ...words], folder, environment);
  return { server, folder, bytes, pull };
}

test("an image file comes over a line that breaks again and again", async (t) => {
  const { server, folder, bytes, pull } = await served(t);
  const { exitCode, error } = await pull(`${server.origin}/x.sif`);
  t.is(exitCode, 0, error?.message);
  t.true((await readFile(join(folder, "x.sif"))).equals(bytes));
  t.deepEqual(
    server.seen.map(({ headers }) => headers.range),
    [undefined, "bytes=5000-", "bytes=10000-", "bytes=15000-"],
  );
});

test("a file that is there is not replaced without --force, and names are as asked for", async (t) => {
  const { server, folder, bytes, pull } = await served(t);
  await writeFile(join(folder, "x.sif"), "mine");
  const refused = await pull(`${server.origin}/x.sif`);
  t.is(refused.error?.code, "target/exists");
  t.is(server.seen.length, 0);
  t.is(await readFile(join(folder, "x.sif"), "utf8"), "mine");
  t.is((await pull("--force", `${server.origin}/x.sif`)).exitCode, 0);
  t.is((await pull("two.sif", `${server.origin}/x.sif`)).exitCode, 0);
  t.is((await pull("--name", "three.sif", `${server.origin}/x.sif`)).exitCode, 0);
  for (const name of ["x", "two", "three"]) {
    t.true((await readFile(join(folder, `${name}.sif`))).equals(bytes));
  }
});

test("what is no image, or not whole, does not take the place of one", async (t) => {
  const { server, folder, bytes, pull } = await served(t);
  const answers: Readonly<Record<string, Buffer>> = {
    "/page.sif": Buffer.from("<html>please log in</html>"),
    "/half.sif": bytes.subarray(0, bytes.length / 2),
  };
  server.rule = ({ path }, response) => {
    response.writeHead(200).end(answers[path]);
    return true;
  };
  const page = await pull(`${server.origin}/page.sif`);
  t.is(page.error?.code, "source/not-an-image");
  const half = await pull(`${server.origin}/half.sif`);
  t.is(half.error?.code, "sif/damaged");
  t.deepEqual(
    (await readdir(folder)).filter((name) => !name.startsWith(".cache")),
    [],
  );
});

test("a file that becomes another one in the middle is no image", async (t) => {
  const { server, bytes, pull } = await served(t);
  server.rule = (_, response, count) => {
    response.writeHead(200, { "content-length": bytes.length, etag: `"${count}"` });
    if (count === 0) response.write(bytes.subarray(0, 100), () => response.destroy());
    else response.end(bytes);
    return true;
  };
  const { error } = await pull(`${server.origin}/x.sif`);
  t.is(error?.code, "source/changed-on-server");
});

test("a server that sends less than it promised each time is told", async (t) => {
  const { server, bytes, pull } = await served(t);
  server.rule = (_, response) => {
    response.writeHead(206, { "content-range": `bytes 0-9/${bytes.length}` });
    response.end();
    return true;
  };
  const { error } = await pull(`${server.origin}/x.sif`);
  t.is(error?.code, "source/download-size");
});

test("the login of an address goes into a header, and is not shown", async (t) => {
  const { server, pull } = await served(t);
  server.rule = ({ headers }, response) => {
    t.is(headers.authorization, `Basic ${Buffer.from("ann:ge heim").toString("base64")}`);
    response.writeHead(404).end();
    return true;
  };
  const { error } = await pull(`http://ann:ge%20heim@${server.host}/x.sif`);
  t.is(error?.code, "source/not-found");
  t.false(/heim/.test(`${error?.message}${error?.hint}`));
});

test("a SIF file of a registry is the file that was pushed, and the cache gives it the second time", async (t) => {
  const { server, folder, bytes, pull } = await served(t);
  server.rule = () => false;
  const sif = blob(bytes, "application/vnd.sylabs.sif.layer.v1.sif");
  const config = json({}, "application/vnd.sylabs.sif.config.v1+json");
  const manifest = json(
    { schemaVersion: 2, config: descriptor(config), layers: [descriptor(sif)] },
    "application/vnd.oci.image.manifest.v1+json",
  );
  server.put("team/app", [sif, config, manifest], { "1": manifest });
  t.is((await pull(`oras://${server.host}/team/app:1`)).exitCode, 0);
  const found = createHash("sha256").update(await readFile(join(folder, "app_1.sif")));
  t.is(`sha256:${found.digest("hex")}`, sif.digest);
  const before = server.seen.length;
  t.is((await pull("--force", `oras://${server.host}/team/app:1`)).exitCode, 0);
  t.false(server.seen.slice(before).some(({ path }) => path.includes("/blobs/")));
});

test("without a network nothing is asked of a web server", async (t) => {
  const { server, pull } = await served(t);
  const { error } = await pull("--offline", `${server.origin}/x.sif`);
  t.is(error?.code, "source/offline");
  t.is(server.seen.length, 0);
});

test("operands in the wrong order are told", async (t) => {
  const { server, pull } = await served(t);
  const { error } = await pull(`${server.origin}/x.sif`, "x.sif");
  t.is(error?.code, "usage/operands");
  t.is(error?.hint, `tsbuild pull x.sif ${server.origin}/x.sif`);
});

test("shub says good-bye, and where to look", async (t) => {
  const { pull } = await served(t);
  const { error } = await pull("shub://a/b");
  t.is(error?.code, "source/singularity-hub");
  t.regex(error?.hint ?? "", /docker:\/\//);
});
