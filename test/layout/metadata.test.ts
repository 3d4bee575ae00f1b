import test from "ava";
import { cleanUp } from "../../src/layout/clean-up.ts";
import { writeMetadata, type MetadataInput } from "../../src/layout/metadata.ts";
import { maxMetadataBytes } from "../../src/layout/read-metadata.ts";
import type { MetadataTexts } from "../../src/model/plan.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { farAway, modeAt, noReads, textAt, treeOf } from "../helpers/literal-tree.ts";

const noTexts: MetadataTexts = {
  help: undefined,
  labels: undefined,
  environment: undefined,
  runscript: undefined,
  startscript: undefined,
  test: undefined,
};

function input(
  texts: Partial<MetadataTexts> = {},
  more: Partial<MetadataInput> = {},
): MetadataInput {
  return {
    texts: { ...noTexts, ...texts },
    stored: "Bootstrap: scratch\n",
    encoding: "utf8",
    timeSeconds: 7,
    force: false,
    labels: {
      time: { seconds: 1704096303, timeZone: "UTC" },
      platform: { os: "linux", architecture: "amd64" },
      builder: "tsbuild 1.2.3",
      header: [
        ["bootstrap", "scratch"],
        ["from", "Q"],
      ],
    },
    ...more,
  };
}

const labelsOf = (tree: FileTree) =>
  JSON.parse(textAt(tree, ".singularity.d/labels.json")) as Record<string, string>;

const image = () =>
  treeOf({
    ".singularity.d/labels.json": '{"A": "1"}',
    ".singularity.d/Singularity": { text: "old", mode: 0o600, uid: 3, mtimeSeconds: 4 },
    ".singularity.d/runscript": { text: "#!/bin/sh\nold\n", mode: 0o755 },
    ".singularity.d/runscript.help": "oldhelp",
    ".singularity.d/env/90-environment.sh": { text: "#old\n", mode: 0o755 },
  });

test("an image without sections has its definition and the automatic labels", async (t) => {
  const tree = new FileTree();
  t.deepEqual(await writeMetadata(tree, input(), noReads), []);
  t.deepEqual(
    [...tree.walk()].map(({ path }) => path),
    ["", ".singularity.d", ".singularity.d/Singularity", ".singularity.d/labels.json"],
  );
  t.is(textAt(tree, ".singularity.d/Singularity"), "Bootstrap: scratch\n");
  t.is(modeAt(tree, ".singularity.d/Singularity"), "644");
  t.is(
    textAt(tree, ".singularity.d/labels.json"),
    `{
\t"org.label-schema.build-arch": "amd64",
\t"org.label-schema.build-date": "Monday_1_January_2024_8:5:3_UTC",
\t"org.label-schema.schema-version": "1.0",
\t"org.label-schema.usage.apptainer.version": "tsbuild 1.2.3",
\t"org.label-schema.usage.singularity.deffile.bootstrap": "scratch",
\t"org.label-schema.usage.singularity.deffile.from": "Q",
\t"org.opencontainers.image.architecture": "amd64",
\t"org.opencontainers.image.created": "2024-01-01T08:05:03Z"
}`,
  );
  t.is(modeAt(tree, ".singularity.d/labels.json"), "644");
});

test("labels for help, variant and the registry's base when there are such", async (t) => {
  const tree = new FileTree();
  const labels = {
    ...input().labels,
    platform: { os: "linux", architecture: "arm", variant: "v7" } as const,
    base: { name: "docker.io/library/alpine:3", digest: "sha256:00" },
  };
  await writeMetadata(tree, input({ help: "x\n" }, { labels }), noReads);
  t.like(labelsOf(tree), {
    "org.label-schema.usage": "/.singularity.d/runscript.help",
    "org.label-schema.usage.apptainer.runscript.help": "/.singularity.d/runscript.help",
    "org.label-schema.build-arch": "arm",
    "org.opencontainers.image.variant": "v7",
    "org.opencontainers.image.base.name": "docker.io/library/alpine:3",
    "org.opencontainers.image.base.digest": "sha256:00",
  });
});

test("labels: %post is stronger than the base, automatic ones than both, the definition weakest", async (t) => {
  const schema = "org.label-schema.schema-version";
  const tree = treeOf({
    ".singularity.d/labels.json": `{"base": "1", "both": "1", "all": "1", "${schema}": "0"}`,
    ".build.labels": `both 2\nall 2\n${schema} 2\npost 2\n`,
  });
  const labels = `all 3\nown 3\n${schema} 3\n`;
  const warnings = await writeMetadata(tree, input({ labels }), noReads);
  t.like(labelsOf(tree), { base: "1", both: "2", all: "2", post: "2", own: "3", [schema]: "1.0" });
  t.deepEqual(
    warnings,
    ["all", schema].map((key) => ({
      code: "layout/label-exists",
      message: `Label: ${key} already exists and force option is false, not overwriting`,
    })),
  );
});

test("with force the definition's labels win, over automatic ones too", async (t) => {
  const labels = "A 2\norg.label-schema.schema-version 9\n";
  const tree = image();
  const forced = input({ labels }, { force: true });
  t.deepEqual(await writeMetadata(tree, forced, noReads), []);
  t.like(labelsOf(tree), { A: "2", "org.label-schema.schema-version": "9" });
});

test("help of the base image stays unless forced", async (t) => {
  const tree = image();
  const warnings = await writeMetadata(tree, input({ help: "new\n" }), noReads);
  t.is(textAt(tree, ".singularity.d/runscript.help"), "oldhelp");
  t.deepEqual(warnings, [
    {
      code: "layout/help-exists",
      message: "Help message already exists and force option is false, not overwriting",
    },
  ]);
  t.deepEqual(await writeMetadata(tree, input({ help: "new\n" }, { force: true }), noReads), []);
  t.is(textAt(tree, ".singularity.d/runscript.help"), "new\n\n");
  t.is(modeAt(tree, ".singularity.d/runscript.help"), "644");
});

test("the base image's definition goes to the history as it is", async (t) => {
  const tree = image();
  await writeMetadata(tree, input(), noReads);
  const kept = tree.get(".singularity.d/bootstrap_history/Apptainer0");
  t.like(kept, { mode: 0o600, uid: 3, mtimeSeconds: 4 });
  t.is(textAt(tree, ".singularity.d/bootstrap_history/Apptainer0"), "old");
  await writeMetadata(tree, input({}, { stored: "third\n" }), noReads);
  t.is(textAt(tree, ".singularity.d/bootstrap_history/Apptainer1"), "Bootstrap: scratch\n");
  t.is(textAt(tree, ".singularity.d/Singularity"), "third\n");
});

test("entries of other programs in the history count, and none is lost", async (t) => {
  const history = ".singularity.d/bootstrap_history";
  const tree = treeOf({
    [`${history}/Singularity0`]: "s",
    [`${history}/Apptainer2`]: "a",
    ".singularity.d/Singularity": "old",
  });
  await writeMetadata(tree, input(), noReads);
  t.is(textAt(tree, `${history}/Apptainer2`), "a");
  t.is(textAt(tree, `${history}/Apptainer3`), "old");
});

test("environment is added behind the base image's, or starts the file", async (t) => {
  const path = ".singularity.d/env/90-environment.sh";
  const tree = image();
  await writeMetadata(tree, input({ environment: "export Z=1\n" }), noReads);
  t.is(textAt(tree, path), "#old\n\nexport Z=1\n\n");
  const fresh = new FileTree();
  await writeMetadata(fresh, input({ environment: "export Z=1\n" }), noReads);
  t.is(textAt(fresh, path), "#!/bin/sh\n\nexport Z=1\n\n");
  t.is(modeAt(fresh, path), "755");
});

test("scripts replace those of the base image", async (t) => {
  const tree = image();
  const texts = {
    runscript: { body: "new\n", argument: "-e" },
    startscript: { body: "s\n", argument: "" },
    test: { body: "t\n", argument: "" },
  };
  await writeMetadata(tree, input(texts), noReads);
  t.is(textAt(tree, ".singularity.d/runscript"), "#!/bin/sh -e\n\nnew\n\n");
  t.is(textAt(tree, ".singularity.d/startscript"), "#!/bin/sh\n\ns\n\n");
  t.is(textAt(tree, ".singularity.d/test"), "#!/bin/sh\n\nt\n\n");
  for (const name of ["runscript", "startscript", "test"]) {
    t.is(modeAt(tree, `.singularity.d/${name}`), "755");
  }
});

test("contents that lie elsewhere are read: labels, labels of %post and environment, once each", async (t) => {
  const near = image();
  near.put(".build.labels", treeOf({ l: "P 1\n" }).get("l")!);
  const { tree, read, reads } = farAway(near);
  await writeMetadata(tree, input({ environment: "E\n" }), read);
  t.like(labelsOf(tree), { A: "1", P: "1" });
  t.is(textAt(tree, ".singularity.d/env/90-environment.sh"), "#old\n\nE\n\n");
  t.is(reads(), 3);
});

test("a definition that is not UTF-8 is stored byte for byte", async (t) => {
  const tree = new FileTree();
  const stored = "Bootstrap: scratch\n%help\n\xff\xe9\n";
  const texts = { help: "\xff\xe9\n", labels: "k voil\xc3\xa0\xff\n" };
  await writeMetadata(tree, input(texts, { stored, encoding: "latin1" }), noReads);
  t.like(tree.get(".singularity.d/Singularity"), { sizeBytes: stored.length });
  t.like(tree.get(".singularity.d/runscript.help"), { sizeBytes: 4 });
  t.regex(textAt(tree, ".singularity.d/labels.json"), /"k": "voilà\\ufffd"/);
});

test("a linked folder is written to inside the tree; a linked file is read, and replaced", async (t) => {
  const tree = treeOf({
    ".singularity.d": { link: "/../../../etc/meta" },
    "etc/meta/labels.json": { link: "../../../../var/labels" },
    "etc/meta/test": { link: "../passwd" },
    "etc/passwd": "root",
    "var/labels": '{"x": "y"}',
  });
  const texts = { help: "h\n", test: { body: "t\n", argument: "" } };
  await writeMetadata(tree, input(texts), noReads);
  t.is(modeAt(tree, ".singularity.d"), "→ /../../../etc/meta");
  t.is(textAt(tree, "etc/meta/runscript.help"), "h\n\n");
  t.regex(textAt(tree, "etc/meta/labels.json"), /"x": "y"/);
  t.is(textAt(tree, "var/labels"), '{"x": "y"}');
  t.is(textAt(tree, "etc/meta/test"), "#!/bin/sh\n\nt\n\n");
  t.is(textAt(tree, "etc/passwd"), "root");
});

test("a labels file of gigabytes is refused before it is read", async (t) => {
  const { tree, read } = farAway(treeOf({ ".singularity.d/labels.json": "{}" }));
  const node = tree.get(".singularity.d/labels.json");
  if (node?.type !== "file") throw new Error("no labels");
  tree.put(".singularity.d/labels.json", { ...node, sizeBytes: maxMetadataBytes + 1 });
  await t.throwsAsync(writeMetadata(tree, input(), read), { code: "layout/metadata-too-large" });
});

test("cleaning up takes away what only the build needed", async (t) => {
  const tree = treeOf({ ".post.script": "x", ".build.labels": "y", keep: "z" });
  cleanUp(tree);
  t.deepEqual([...tree.root.children.keys()], ["keep"]);
  cleanUp(tree);
});
