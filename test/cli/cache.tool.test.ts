// `tsbuild cache` and the options of builds that are about it, with a real registry.

import { readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { tsbuild, type CliRun } from "../helpers/build.ts";
import { apptainer, haveApptainer } from "../helpers/apptainer.ts";
import { faultProxy, type FaultProxy } from "../helpers/fault-proxy.ts";
import { image, layoutFiles, textLayer, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry } from "../helpers/registry.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, toolTest } from "../helpers/tool.ts";

const one = image([textLayer({ a: "one" })], { tag: "1" });
const two = image([textLayer({ a: "two" })], { tag: "2" });

interface Place {
  readonly folder: string;
  readonly cache: string;
  readonly proxy: FaultProxy;
  readonly run: (words: readonly string[], env?: Record<string, string>) => Promise<CliRun>;
}

async function place(t: ExecutionContext): Promise<Place> {
  const folder = await scratch(t);
  const registry = await startRegistry(t);
  const layout = join(folder, "layout");
  await writeFiles(layout, layoutFiles([one.manifest, two.manifest], [...one.blobs, ...two.blobs]));
  for (const tag of ["1", "2"]) {
    const to = `docker://${registry.host}/x:${tag}`;
    await execa("skopeo", [
      "copy",
      "-q",
      "--dest-tls-verify=false",
      "--preserve-digests",
      `oci:${layout}:${tag}`,
      to,
    ]);
  }
  const cache = join(folder, "cache");
  return {
    folder,
    cache,
    proxy: await faultProxy(t, registry),
    run: (words, env = {}) =>
      tsbuild(words, { cwd: folder, env: { TSBUILD_CACHEDIR: cache, HOME: folder, ...env } }),
  };
}

const tools = ["docker-registry", "skopeo"];

toolTest(
  tools,
  "what was fetched is there without a network, and what wasn't is told with the way to get it",
  async (t) => {
    const { folder, proxy, run } = await place(t);
    await writeFile(join(folder, "x.def"), `Bootstrap: docker\nFrom: ${proxy.host}/x:{{ tag }}\n`);
    const fetched = await run(["cache", "fetch", "--build-arg", "tag=1", "x.def"]);
    t.is(fetched.exitCode, 0, fetched.stderr);
    t.is(fetched.stdout, `docker://${proxy.host}/x:1 is in the cache\n`);
    proxy.seen.length = 0;

    const words = (tag: string) => ["build", "--force", "x.sif", `docker://${proxy.host}/x:${tag}`];
    const offline = await run([...words("1"), "--offline"]);
    t.is(offline.exitCode, 0, offline.stderr);
    t.is((await run(words("1"), { APPTAINER_OFFLINE: "1" })).exitCode, 0);
    const byDigest = await run([
      ...words("1").slice(0, -1),
      `docker://${proxy.host}/x@${one.manifest.digest}`,
      "--offline",
    ]);
    t.is(byDigest.exitCode, 0, byDigest.stderr);

    const unknown = await run([...words("2"), "--offline"]);
    t.is(unknown.exitCode, 4);
    t.regex(unknown.stderr, /x:2 can't be had without a network: what it stands for is not known/);
    t.true(unknown.stderr.includes(`tsbuild cache fetch docker://${proxy.host}/x:2`));
    t.regex(unknown.stderr, /code: source\/offline/);
    t.deepEqual(proxy.seen, [], "nothing was asked");

    // A layer that was cleared away: its image is known, and can't be built.
    const list = await run(["cache", "list", "--json"]);
    const { entries } = JSON.parse(list.stdout) as { entries: { kind: string; name: string }[] };
    t.true(entries.some(({ kind, name }) => kind === "tag" && name === `${proxy.host}/x:1`));
    await execa("rm", [
      join(folder, "cache/blobs-v1/sha256", one.layers[0]?.blob.digest.slice(7) ?? ""),
    ]);
    const incomplete = await run([...words("1"), "--offline"]);
    t.is(incomplete.exitCode, 4);
    t.regex(incomplete.stderr, /layer sha256:\w+ .*is not in the cache/);

    await writeFile(
      join(folder, "new.def"),
      "Bootstrap: debootstrap\nOSVersion: bookworm\nMirrorURL: http://127.0.0.1:9/\n",
    );
    t.regex(
      (await run(["build", "--offline", "new.sif", "new.def"])).stderr,
      /debootstrap fetches packages, and --offline forbids that/,
    );
    const senseless = await run([...words("1"), "--offline", "--disable-cache"]);
    t.is(senseless.exitCode, 2);
  },
);

toolTest(
  tools,
  "--no-cache fetches anew and keeps it, --disable-cache neither uses nor keeps",
  async (t) => {
    const { proxy, run, cache } = await place(t);
    const words = ["build", "--force", "x.sif", `docker://${proxy.host}/x:1`];
    const fetches = () => {
      const count = proxy.seen.filter(
        ({ method, path }) => method === "GET" && path !== "/v2/",
      ).length;
      proxy.seen.length = 0;
      return count;
    };
    await run([...words, "--disable-cache"]);
    t.is(fetches(), 3);
    await t.throwsAsync(stat(join(cache, "blobs-v1")), { code: "ENOENT" });
    await run(words);
    t.is(fetches(), 3);
    await run(words);
    t.is(fetches(), 0);
    await run([...words, "--no-cache"]);
    t.is(fetches(), 3);
    await run([...words, "--disable-cache"]);
    t.is(fetches(), 3);
    await run(words);
    t.is(fetches(), 0);
  },
);

toolTest(tools, "a cache is kept to its size, and is listed, cleaned and verified", async (t) => {
  const { proxy, run, cache, folder } = await place(t);
  const build = (tag: string, ...more: string[]) =>
    run(["build", "--force", ...more, "x.sif", `docker://${proxy.host}/x:${tag}`]);
  const blobs = () => readdir(join(cache, "blobs-v1", "sha256"));
  await build("1");
  for (const name of await blobs()) {
    const file = join(cache, "blobs-v1", "sha256", name);
    await utimes(file, 1_700_000_000, (await stat(file)).mtimeMs / 1000);
    await utimes(file, 1_700_000_000, 1_700_000_000);
  }
  await build("2", "--cache-size", "unlimited");
  t.is((await blobs()).length, 6);
  await run(["cache", "clean", "-f", "--type", "blob", "--days", "0"]);
  t.deepEqual(await blobs(), []);

  await build("1");
  await build("2", "--cache-size", "1");
  // The build's own blobs were in use when the cache was looked at.
  const kept = new Set(await blobs());
  t.false(kept.has(one.layers[0]?.blob.digest.slice(7) ?? ""));
  t.true(kept.has(two.layers[0]?.blob.digest.slice(7) ?? ""));
  t.regex((await build("1", "--cache-size", "much")).stderr, /code: usage\/size/);

  const listed = await run(["cache", "list"]);
  t.regex(listed.stdout, /^KIND +ENTRIES +SIZE +LAST USED\nblob +\d+ /);
  t.true(listed.stdout.endsWith(` in ${cache}\n`));
  const verbose = await run(["cache", "list", "-v", "--type=blobs"]);
  t.true(verbose.stdout.includes(two.layers[0]?.blob.digest ?? ""));
  t.false(verbose.stdout.includes("tag "));

  const dry = await run(["cache", "clean", "--dry-run", "--type=oci"]);
  t.regex(dry.stdout, /would remove the blob sha256:\w+\n[^]*would be removed\.\n$/);
  const asked = await run(["cache", "clean"]);
  t.is(asked.exitCode, 2);
  t.regex(asked.stderr, /say --force/);
  t.deepEqual(new Set(await blobs()), kept);

  const [first = ""] = await blobs();
  await writeFile(join(cache, "blobs-v1", "sha256", first), "damaged");
  const verified = await run(["cache", "verify"]);
  t.is(verified.exitCode, 7);
  t.true(verified.stdout.startsWith(`removed the blob sha256:${first}, which was damaged\n`));
  t.is((await run(["cache", "verify"])).exitCode, 0);

  t.is(
    (await run(["cache", "clean", "--force", "--older-than", "1h"])).stdout,
    "0 entries (0 B) removed.\n",
  );
  t.is((await run(["cache", "clean", "--force", "--to-size", "0"])).exitCode, 0);
  t.deepEqual(await blobs(), []);
  t.is((await run(["cache", "clean", "--all", "--force"])).exitCode, 0);
  t.is(
    (await run(["cache", "clean", "-f", "-D", "30", "-T", "library,oci,shub,blob,net,oras,all"]))
      .exitCode,
    0,
  );
  for (const words of [
    ["list", "x"],
    ["frob"],
    ["clean", "-f", "--days", "x"],
    ["clean", "-f", "--all", "--days", "1"],
    ["list", "--type=x"],
    ["fetch"],
  ]) {
    t.is((await run(["cache", ...words])).exitCode, 2, words.join(" "));
  }
  t.truthy(await stat(folder));
});

toolTest(tools, "Apptainer's kinds of entries are what they say", async (t) => {
  const { folder, proxy, run } = await place(t);
  await run(["build", "layers.sif", `docker://${proxy.host}/x:1`]);
  // Through the registry itself: the proxy takes no uploads.
  const registry = await startRegistry(t);
  const sif = `oras://${registry.host}/sif:1`;
  const pushed = await run(["push", "layers.sif", sif]);
  t.is(pushed.exitCode, 0, pushed.stderr);
  const pulled = await run(["pull", "pulled.sif", sif]);
  t.is(pulled.exitCode, 0, pulled.stderr);
  const held = async () => {
    const { stdout } = await run(["cache", "list", "--json"]);
    const { entries } = JSON.parse(stdout) as { entries: { kind: string; sizeBytes: number }[] };
    const of = (kind: string) => entries.filter((entry) => entry.kind === kind);
    return { sif: of("sif").map(({ sizeBytes }) => sizeBytes), blobs: of("blob").length };
  };
  const before = await held();
  t.deepEqual(before.sif, [(await stat(join(folder, "layers.sif"))).size]);
  t.true(before.blobs > 0);
  // What is fetched from these is not kept.
  t.is(
    (await run(["cache", "clean", "-f", "--type", "library,net,shub"])).stdout,
    "0 entries (0 B) removed.\n",
  );
  t.deepEqual(await held(), before);
  t.regex((await run(["cache", "clean", "-f", "--type", "oras"])).stdout, /^1 entry .* removed/);
  t.deepEqual(await held(), { ...before, sif: [] });
  t.is((await run(["pull", "--force", "pulled.sif", sif])).exitCode, 0);
  t.deepEqual(await held(), before);
  await writeFile(
    join(
      folder,
      "cache/blobs-v1/sha256",
      /sha256:(\w+)/.exec((await run(["cache", "list", "-v", "-T", "sif"])).stdout)?.[1] ?? "",
    ),
    Buffer.concat([Buffer.alloc(32), Buffer.from("SIF_MAGIC\0 and something else")]),
  );
  t.regex(
    (await run(["cache", "verify"])).stdout,
    /^removed the sif sha256:\w+, which was damaged/,
  );
  await run(["cache", "clean", "-f", "--type", "blob"]);
  t.deepEqual(await held(), { sif: [], blobs: 0 });
});

hostTest(
  "root and Apptainer",
  haveApptainer,
  "Apptainer's ways to list and clean its cache work here",
  async (t) => {
    const { folder, run } = await place(t);
    for (const words of [
      ["cache", "list"],
      ["cache", "list", "--verbose"],
      ["cache", "list", "--type=library,oci"],
      ["cache", "clean", "--force"],
      ["cache", "clean", "--force", "--days", "30"],
      ["cache", "clean", "-n", "-T", "blob"],
      ["cache", "clean", "--type=library,oci", "-f"],
    ]) {
      const theirs = await apptainer(words, { cwd: folder });
      const ours = await run(words);
      t.is(ours.exitCode, theirs.exitCode, `${words.join(" ")}: ${theirs.stderr}${ours.stderr}`);
    }
  },
);
