import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExecutionContext } from "ava";
import { execa } from "execa";
import type { TsbuildError } from "../../src/model/error.ts";
import { dockerSource } from "../../src/source/docker.ts";
import type { BaseImage, SourceContext } from "../../src/source/source.ts";
import { image, index, layoutFiles, textLayer, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { runCli } from "../helpers/run-cli.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { textsOf } from "../helpers/text-of-tree.ts";
import { toolTest } from "../helpers/tool.ts";

const amd = image([textLayer({ a: "amd", "d/": "" }), textLayer({ b: "b" }, "zstd")], {
  tag: "amd",
});
const arm = image([textLayer({ a: "arm" })], { tag: "arm", platform: "linux/arm64/v8" });
const docker = image([textLayer({ a: "docker" })], { tag: "docker" });
const multi = {
  ...index([arm.manifest, amd.manifest]),
  annotations: { "org.opencontainers.image.ref.name": "multi" },
};
const files = layoutFiles(
  [amd.manifest, arm.manifest, docker.manifest, multi],
  [...amd.blobs, ...arm.blobs, ...docker.blobs, multi],
);

/** Puts the images where they belong with a tool that is not ours. */
async function publish(
  t: ExecutionContext,
  registry: TestRegistry,
  context: SourceContext,
  login: readonly string[] = [],
): Promise<void> {
  const layout = join(context.folder, "layout");
  await writeFiles(layout, files);
  for (const tag of ["amd", "arm", "docker", "multi"]) {
    // skopeo itself turns one of them into Docker's own format.
    const form = tag === "docker" ? ["--format", "v2s2"] : ["--all", "--preserve-digests"];
    await execa("skopeo", [
      "copy",
      "--quiet",
      "--dest-tls-verify=false",
      ...form,
      ...login,
      `oci:${layout}:${tag}`,
      `docker://${registry.host}/team/x:${tag}`,
    ]);
  }
  t.pass();
}

async function open(
  t: ExecutionContext,
  header: Readonly<Record<string, string>>,
  context: SourceContext,
): Promise<BaseImage> {
  const base = await dockerSource.open(new Map(Object.entries(header)), context);
  t.teardown(() => base.dispose?.());
  return base;
}

toolTest(
  ["docker-registry", "skopeo"],
  "images of a real registry, by tag, digest and platform",
  async (t) => {
    const registry = await startRegistry(t);
    const context = await sourceContext(t);
    await publish(t, registry, context);
    const x = `${registry.host}/team/x`;
    const amdTexts = { a: "amd", b: "b" };
    const cases: readonly [Record<string, string>, Record<string, string>][] = [
      [{ from: `${x}:amd` }, amdTexts],
      [{ from: `${x}:multi` }, amdTexts],
      [{ from: `${x}@${amd.manifest.digest}` }, amdTexts],
      [{ from: `${x}:wrong@${arm.manifest.digest}` }, { a: "arm" }],
      [{ from: `${x}:docker` }, { a: "docker" }],
      [{ from: "x:amd", registry: registry.host, namespace: "team" }, amdTexts],
    ];
    for (const [header, texts] of cases) {
      const base = await open(t, header, context);
      t.deepEqual(await textsOf(base.tree), texts, header["from"]);
      t.deepEqual(base.ociConfig, { Env: ["PATH=/bin"], Cmd: ["sh"] });
    }
    const onArm = {
      ...context,
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
    } as const;
    t.deepEqual(await textsOf((await open(t, { from: `${x}:multi` }, onArm)).tree), { a: "arm" });

    const missing = await t.throwsAsync<TsbuildError>(open(t, { from: `${x}:nope` }, context));
    t.is(missing.code, "source/not-found");
    const riscv = { ...context, platform: { os: "linux", architecture: "riscv64" } } as const;
    const none = await t.throwsAsync<TsbuildError>(open(t, { from: `${x}:multi` }, riscv));
    t.is(none.code, "source/no-platform");
  },
);

toolTest(
  ["docker-registry", "skopeo"],
  "what is in the cache is not fetched again, and what is damaged is",
  async (t) => {
    const registry = await startRegistry(t);
    const context = await sourceContext(t);
    await publish(t, registry, context);
    const from = `${registry.host}/team/x:amd`;
    const downloads = () =>
      new Set(
        context.events.flatMap((event) =>
          event.type === "progress" && event.task.startsWith("download") ? [event.task] : [],
        ),
      ).size;
    await open(t, { from }, context);
    t.is(downloads(), 2);
    const cache = join(context.cacheFolder ?? "", "blobs-v1");
    t.is((await readdir(join(cache, "sha256"))).length, 4);
    t.deepEqual(await readdir(join(cache, "incoming")), []);

    context.events.length = 0;
    await open(t, { from }, context);
    t.is(downloads(), 0);

    // One layer, the configuration and the manifest are damaged: the length of the layer stays right.
    for (const one of [amd.layers[0]?.blob, amd.config, amd.manifest]) {
      const file = join(cache, "sha256", one?.digest.slice(7) ?? "");
      const bytes = await readFile(file);
      bytes[10] = (bytes[10] ?? 0) ^ 1;
      await writeFile(file, bytes);
    }
    const mended = await open(t, { from }, context);
    t.deepEqual(await textsOf(mended.tree), { a: "amd", b: "b" });
    t.is(downloads(), 1);
    for (const blob of amd.blobs) {
      t.true((await readFile(join(cache, "sha256", blob.digest.slice(7)))).equals(blob.bytes));
    }

    // By digest nothing is asked at all: nobody listens on this port.
    const offline = await open(t, { from: `127.0.0.1:9/team/x@${amd.manifest.digest}` }, context);
    t.deepEqual(await textsOf(offline.tree), { a: "amd", b: "b" });
  },
);

toolTest(
  ["docker-registry", "skopeo"],
  "without a cache blobs go into the build's own folder",
  async (t) => {
    const registry = await startRegistry(t);
    const context = await sourceContext(t, { cacheFolder: undefined });
    await publish(t, registry, context);
    const base = await open(t, { from: `${registry.host}/team/x:amd` }, context);
    t.deepEqual(await textsOf(base.tree), { a: "amd", b: "b" });
    t.true((await stat(join(context.temporaryFolder, "blobs", "blobs-v1"))).isDirectory());
    t.deepEqual(
      context.events.filter((event) => event.type === "warning"),
      [],
    );
  },
);

toolTest(
  ["docker-registry", "skopeo"],
  "a cache that can't be made is told, and the build goes on",
  async (t) => {
    const registry = await startRegistry(t);
    const context = await sourceContext(t, { cacheFolder: "/dev/null/cache" });
    await publish(t, registry, context);
    const base = await open(t, { from: `${registry.host}/team/x:docker` }, context);
    t.deepEqual(await textsOf(base.tree), { a: "docker" });
    t.deepEqual(
      context.events.flatMap((event) => (event.type === "warning" ? [event.code] : [])),
      ["cache/not-writable"],
    );
  },
);

// bcrypt of "geheim"
const htpasswd = "ann:$2b$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n";

toolTest(
  ["docker-registry", "skopeo"],
  "a registry with a login is read with the logins that people have",
  async (t) => {
    const registry = await startRegistry(t, { htpasswd });
    const context = await sourceContext(t);
    await publish(t, registry, context, ["--dest-creds", "ann:geheim"]);
    const from = `${registry.host}/team/x:amd`;
    const home = join(context.folder, "home");
    await mkdir(join(home, ".docker"), { recursive: true });
    const before = {
      HOME: process.env["HOME"],
      REGISTRY_AUTH_FILE: process.env["REGISTRY_AUTH_FILE"],
    };
    t.teardown(() => Object.assign(process.env, { HOME: before.HOME ?? "" }));
    process.env["HOME"] = home;
    delete process.env["REGISTRY_AUTH_FILE"];

    const anonymous = await t.throwsAsync<TsbuildError>(open(t, { from }, context));
    t.is(anonymous.code, "source/login-needed");
    t.regex(anonymous.hint ?? "", /docker login/);

    // Written by a tool that people use.
    const file = join(home, ".docker", "config.json");
    await execa("skopeo", [
      "login",
      "--tls-verify=false",
      `--authfile=${file}`,
      "--username=ann",
      "--password=geheim",
      registry.host,
    ]);
    const base = await open(t, { from }, context);
    t.deepEqual(await textsOf(base.tree), { a: "amd", b: "b" });
  },
);

toolTest(["docker-registry", "skopeo"], "an image says which base it was built from", async (t) => {
  const registry = await startRegistry(t);
  const context = await sourceContext(t);
  await publish(t, registry, context);
  const from = `${registry.host}/team/x:amd`;
  const words = ["-q", "build", "x.sif", `docker://${from}`];
  const built = await runCli(words, context.folder, { HOME: context.folder });
  t.is(built.exitCode, 0, built.error?.message);
  const shown = await runCli(["inspect", "--labels", "--json", "x.sif"], context.folder);
  const { data } = JSON.parse(shown.stdout) as {
    data: { attributes: { labels: Record<string, string> } };
  };
  t.like(data.attributes.labels, {
    "org.opencontainers.image.base.name": from,
    "org.opencontainers.image.base.digest": amd.manifest.digest,
  });
});
