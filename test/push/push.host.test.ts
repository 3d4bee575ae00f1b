// What is pushed, as skopeo, umoci and Apptainer read it from a real registry.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { packSif } from "../../src/packer/pack-sif.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { compareTrees, type TreeDifference } from "../helpers/compare-trees.ts";
import type { ListedEntry } from "../helpers/list-tree.ts";
import { listFolder, listImage } from "../helpers/list-image.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

const isRoot = process.geteuid?.() === 0;

async function pack(tree: FileTree, file: string, architecture = "amd64"): Promise<void> {
  await packSif(tree, file, {
    definition: Buffer.from("Bootstrap: scratch\n"),
    objects: [],
    architecture,
    timeSeconds: 1_700_000_000,
    uuid: "from-content",
    compression: { name: "gzip", level: 1 },
    force: false,
  });
}

async function push(t: ExecutionContext, folder: string, ...words: string[]): Promise<string> {
  const { exitCode, stdout, error } = await runCli(["-q", "push", ...words], folder, {
    HOME: folder,
  });
  t.is(exitCode, 0, error?.message);
  return stdout.trim();
}

async function manifestOf(registry: TestRegistry, name: string): Promise<Record<string, unknown>> {
  const { stdout } = await execa("skopeo", [
    "inspect",
    "--raw",
    "--tls-verify=false",
    `docker://${registry.host}/${name}`,
  ]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function configOf(registry: TestRegistry, name: string): Promise<Record<string, unknown>> {
  const { stdout } = await execa("skopeo", [
    "inspect",
    "--config",
    "--tls-verify=false",
    `docker://${registry.host}/${name}`,
  ]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function unpackWithUmoci(
  registry: TestRegistry,
  name: string,
  folder: string,
): Promise<string> {
  const layout = join(folder, "layout");
  const source = `docker://${registry.host}/${name}`;
  await mkdir(layout, { recursive: true });
  await execa("skopeo", ["copy", "--src-tls-verify=false", source, `oci:${layout}:x`]);
  await execa("umoci", ["raw", "unpack", "--image", `${layout}:x`, join(folder, "rootfs")]);
  return join(folder, "rootfs");
}

/** Archives have no sockets, and Go's reader takes a record without a value for one that is to be forgotten. */
function isLostInArchives({ what, ours, theirs }: TreeDifference): boolean {
  if (what === "presence") return ours === undefined && (theirs as ListedEntry).type === "socket";
  if (what !== "xattrs") return false;
  const { "user.empty": empty, ...rest } = theirs as Record<string, string>;
  return empty === "0x" && isDeepStrictEqual(ours, rest);
}

hostTest(
  "root, docker-registry, skopeo, umoci",
  isRoot,
  "an image pushed as a layer has the same tree for umoci, and the same bytes each time",
  async (t) => {
    const registry = await startRegistry(t);
    const folder = await scratch(t);
    await pack(nastyTree(), join(folder, "x.sif"), "arm64");
    const target = `docker://${registry.host}/team/x:1`;
    const first = await push(t, folder, "x.sif", target);
    t.is(await push(t, folder, "x.sif", target), first);
    const rootfs = await unpackWithUmoci(registry, "team/x:1", folder);
    const found = compareTrees(await listFolder(rootfs), await listImage(join(folder, "x.sif")));
    t.deepEqual(
      found.filter((one) => !isLostInArchives(one)),
      [],
    );
    t.like(await configOf(registry, "team/x:1"), {
      architecture: "arm64",
      os: "linux",
      created: "2023-11-14T22:13:20Z",
    });
  },
);

hostTest(
  "root, docker-registry, skopeo, zstd",
  isRoot,
  "a layer of zstd holds the archive that one of gzip holds",
  async (t) => {
    const registry = await startRegistry(t);
    const folder = await scratch(t);
    await pack(nastyTree(), join(folder, "x.sif"));
    const target = `docker://${registry.host}/team/x`;
    await push(t, folder, "x.sif", `${target}:gzip`);
    await push(t, folder, "--compress", "zstd:5", "x.sif", `${target}:zstd`);
    const manifest = await manifestOf(registry, "team/x:zstd");
    const [layer] = manifest["layers"] as { mediaType: string; digest: string }[];
    t.is(layer?.mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
    const hex = layer?.digest.slice(7) ?? "";
    const blob = join(registry.folder, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex);
    const { stdout } = await execa("sh", ["-c", 'zstd -dc "$1/data" | sha256sum', "sh", blob]);
    const diffIds = [`sha256:${stdout.split(" ")[0]}`];
    t.like(await configOf(registry, "team/x:zstd"), { rootfs: { diff_ids: diffIds } });
    t.like(await configOf(registry, "team/x:gzip"), { rootfs: { diff_ids: diffIds } });
  },
);

apptainerTest(
  "a SIF file is pushed as Apptainer pushes it, to the byte, and pulled by it",
  async (t) => {
    const registry = await startRegistry(t);
    const folder = await scratch(t);
    await pack(nastyTree(), join(folder, "a & b.sif"));
    const ours = await push(t, folder, "a & b.sif", `oras://${registry.host}/team/ours:1`);
    const theirs = await apptainer(
      ["push", "--no-https", "a & b.sif", `oras://${registry.host}/team/theirs:1`],
      { cwd: folder },
    );
    t.is(theirs.exitCode, 0, theirs.stderr);
    t.deepEqual(
      await manifestOf(registry, "team/ours:1"),
      await manifestOf(registry, "team/theirs:1"),
    );
    const { stdout } = await execa("skopeo", [
      "inspect",
      "--raw",
      "--tls-verify=false",
      `docker://${registry.host}/team/theirs:1`,
    ]);
    t.is(
      ours,
      `${registry.host}/team/ours@sha256:${createHash("sha256").update(stdout).digest("hex")}`,
    );
    const pulled = await apptainer(
      ["pull", "--no-https", "pulled.sif", `oras://${registry.host}/team/ours:1`],
      { cwd: folder },
    );
    t.is(pulled.exitCode, 0, pulled.stderr);
    const [before, after] = await Promise.all(
      ["a & b.sif", "pulled.sif"].map((name) => readFile(join(folder, name))),
    );
    t.true(before?.equals(after as Buffer));
  },
);

const definition = `Bootstrap: host
Include: sh cat env

%environment
    export GREETING="good morning"
    export PATH=/opt/own:$PATH

%labels
    Colour blue

%runscript
    echo "$GREETING, $1: $PATH"
`;

apptainerTest("an image pushed as a layer does the same when it comes back", async (t) => {
  const registry = await startRegistry(t);
  const folder = await scratch(t);
  await writeFile(join(folder, "x.def"), definition);
  const built = await runCli(["-q", "build", "x.sif", "x.def"], folder, { HOME: folder });
  t.is(built.exitCode, 0, built.error?.message);
  await push(t, folder, "x.sif", `docker://${registry.host}/team/x:1`);
  const { config } = (await configOf(registry, "team/x:1")) as { config: Record<string, unknown> };
  t.like(config, {
    Entrypoint: ["/.singularity.d/oci/entrypoint"],
    Env: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "GREETING=good morning",
    ],
  });
  t.like(config["Labels"], { Colour: "blue" });

  const source = `docker://${registry.host}/team/x:1`;
  const again = await runCli(["-q", "build", "again.sif", source], folder, { HOME: folder });
  t.is(again.exitCode, 0, again.error?.message);
  const theirs = await apptainer(["build", "--no-https", "theirs.sif", source], { cwd: folder });
  t.is(theirs.exitCode, 0, theirs.stderr);
  const says = async (image: string) =>
    (await apptainer(["run", image, "you"], { cwd: folder })).stdout;
  const said = await says("x.sif");
  t.regex(said, /^good morning, you: \/opt\/own:/);
  t.is(await says("again.sif"), said);
  t.is(await says("theirs.sif"), said);

  // What Docker and Podman do: the entrypoint, in the environment of the configuration.
  const rootfs = await unpackWithUmoci(registry, "team/x:1", folder);
  const environment = config["Env"] as string[];
  const run = await execa(
    "chroot",
    [rootfs, "/usr/bin/env", "-i", ...environment, "/.singularity.d/oci/entrypoint", "you"],
    { reject: false },
  );
  t.regex(run.stdout, /^good morning, you: \/opt\/own:\/usr\/local\/sbin/, run.stderr);

  // The second time round nothing is added: what came from an OCI image goes back to its entrypoint.
  await push(t, folder, "again.sif", `docker://${registry.host}/team/x:2`);
  const third = await runCli(
    ["-q", "build", "third.sif", `docker://${registry.host}/team/x:2`],
    folder,
    { HOME: folder },
  );
  t.is(third.exitCode, 0, third.error?.message);
  t.is(await says("third.sif"), said);
});

// bcrypt of "geheim"
const htpasswd = "ann:$2b$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n";

hostTest(
  "root, docker-registry",
  isRoot,
  "a registry with a login is written to with it, and not without",
  async (t) => {
    const registry = await startRegistry(t, { htpasswd });
    const folder = await scratch(t);
    await pack(nastyTree(), join(folder, "x.sif"));
    const target = `oras://${registry.host}/team/x:1`;
    const before = { ...process.env };
    t.teardown(() => Object.assign(process.env, before));
    process.env["HOME"] = folder;
    delete process.env["REGISTRY_AUTH_FILE"];
    const anonymous = await runCli(["push", "x.sif", target], folder);
    t.is(anonymous.error?.code, "push/login-needed");
    t.is(anonymous.stdout, "");
    await mkdir(join(folder, ".docker"));
    const auth = Buffer.from("ann:geheim").toString("base64");
    const logins = { auths: { [registry.host]: { auth } } };
    await writeFile(join(folder, ".docker", "config.json"), JSON.stringify(logins));
    t.regex(await push(t, folder, "x.sif", target), /\/team\/x@sha256:[0-9a-f]{64}$/);
  },
);
