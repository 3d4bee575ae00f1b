// Base images come from anywhere: whatever lies where we write, an image comes out that a runtime can start, or an error.

import fc from "fast-check";
import test from "ava";
import { writeApps } from "../../src/layout/apps.ts";
import { applyBaseLayout } from "../../src/layout/base-layout.ts";
import { cleanUp } from "../../src/layout/clean-up.ts";
import { inspectMetadata } from "../../src/layout/inspect.ts";
import { writeMetadata } from "../../src/layout/metadata.ts";
import { applyOciConfig } from "../../src/layout/oci-config.ts";
import { TsbuildError } from "../../src/model/error.ts";
import { resolvePath } from "../../src/tree/resolve-path.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { noReads, textAt, treeOf } from "../helpers/literal-tree.ts";

const ours = [
  ".singularity.d",
  ".singularity.d/env",
  ".singularity.d/env/90-environment.sh",
  ".singularity.d/env/99-base.sh",
  ".singularity.d/actions",
  ".singularity.d/actions/run",
  ".singularity.d/bootstrap_history",
  ".singularity.d/labels.json",
  ".singularity.d/runscript",
  ".singularity.d/Singularity",
  ".singularity.d/test",
  ".build.labels",
  ".post.script",
  ".run",
  "environment",
  "etc",
  "etc/hosts",
  "etc/resolv.conf",
  "scif",
  "scif/apps/foo/scif/env/01-base.sh",
  "tmp",
  "var",
  "usr/lib/x",
];

const path = fc.constantFrom(...ours);
const target = fc.oneof(
  path,
  path.map((to) => `/${to}`),
  path.map((to) => `../../../../${to}`),
  fc.constantFrom("..", "/", ".", "nowhere", "/nowhere/at/all", "usr", ".singularity.d"),
);
const entry = fc.oneof(
  fc.record({ text: fc.constantFrom("", "x", "{}", "null", "#!/bin/sh\n") }),
  fc.record({ link: target }),
  fc
    .record({ mode: fc.constantFrom(0o755, 0o700, 0) })
    .map((only) => ({ ...only, isFolder: true })),
);
const worlds = fc.array(fc.tuple(path, entry), { maxLength: 12 });

const context = { timeSeconds: 1 };

async function layOut(tree: FileTree, overwrite: boolean): Promise<void> {
  applyBaseLayout(tree, { ...context, overwrite });
  if (overwrite) applyOciConfig(tree, { Env: ["A=b"], Cmd: ["/x"], Labels: { a: "b" } }, context);
  const location = { file: "d", line: 1, column: 1, length: 1 };
  writeApps(tree, [{ name: "foo", parts: {}, installLines: [], files: [], location }], context);
  await writeMetadata(
    tree,
    {
      ...context,
      texts: {
        help: "h\n",
        labels: "k v\n",
        environment: "E=1\n",
        runscript: { body: "r\n", argument: "" },
        startscript: undefined,
        test: { body: "t\n", argument: "" },
      },
      stored: "stored\n",
      encoding: "utf8",
      force: true,
      labels: {
        time: { seconds: 1, timeZone: "UTC" },
        platform: { os: "linux", architecture: "amd64" },
        builder: "tsbuild 0",
        header: [],
      },
    },
    noReads,
  );
  cleanUp(tree);
}

/** What a runtime finds when it follows the path inside the container. */
const found = (tree: FileTree, name: string) => textAt(tree, resolvePath(tree, name).path);

type World = readonly (readonly [
  path: string,
  entry: { text?: string; link?: string; mode?: number; isFolder?: boolean },
])[];

function treeOfWorld(world: World): FileTree {
  const tree = treeOf({});
  for (const [name, what] of world) {
    const node = treeOf({ [what.isFolder === true ? "x/" : "x"]: what }).get("x");
    if (node !== undefined) tree.put(name, node);
  }
  return tree;
}

test("whatever one thing a base has in one of our places, ours is there afterwards", async (t) => {
  await fc.assert(
    fc.asyncProperty(path, entry, fc.boolean(), async (name, what, overwrite) => {
      const tree = treeOfWorld([[name, what]]);
      try {
        await layOut(tree, overwrite);
      } catch (error) {
        // Labels that are none are an error that says so, and so is a directory that is a link to itself.
        if (!(error instanceof TsbuildError)) throw error;
        return ["tree/link-loop", "layout/labels"].includes(error.code);
      }
      return (
        found(tree, ".singularity.d/runscript") === "#!/bin/sh\n\nr\n\n" &&
        found(tree, ".singularity.d/test") === "#!/bin/sh\n\nt\n\n" &&
        found(tree, ".singularity.d/Singularity") === "stored\n" &&
        found(tree, ".singularity.d/env/90-environment.sh").endsWith("\nE=1\n\n") &&
        (found(tree, ".singularity.d/env/99-base.sh") !== "" || !overwrite) &&
        found(tree, ".singularity.d/labels.json").includes('"k": "v"') &&
        found(tree, "scif/apps/foo/scif/env/01-base.sh") !== "" &&
        tree.get(".build.labels") === undefined
      );
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test("many such things at once end in an image or an error that says what is wrong", async (t) => {
  await fc.assert(
    fc.asyncProperty(worlds, fc.boolean(), async (world, overwrite) => {
      const tree = treeOfWorld(world);
      try {
        await layOut(tree, overwrite);
        const text = await inspectMetadata(tree, noReads);
        return (JSON.parse(text) as { type: string }).type === "container";
      } catch (error) {
        if (!(error instanceof TsbuildError)) throw error;
        return ["tree/link-loop", "layout/labels"].includes(error.code);
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
