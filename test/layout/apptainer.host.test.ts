// The real Apptainer starts containers from what we write, and reads from it what we say is in it.

import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { readNode } from "../../src/contents/read-node.ts";
import { writeApps } from "../../src/layout/apps.ts";
import { applyBaseLayout } from "../../src/layout/base-layout.ts";
import { inspectMetadata } from "../../src/layout/inspect.ts";
import { writeMetadata } from "../../src/layout/metadata.ts";
import { applyOciConfig, type OciSettings } from "../../src/layout/oci-config.ts";
import { openImage } from "../../src/source/open-image.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { noReads, writeTree } from "../helpers/literal-tree.ts";
import { scratch } from "../helpers/scratch.ts";

const context = { timeSeconds: 1 };

async function madeTree(config?: OciSettings): Promise<FileTree> {
  const tree = new FileTree();
  applyBaseLayout(tree, { ...context, overwrite: true });
  if (config !== undefined) applyOciConfig(tree, config, context);
  const location = { file: "d.def", line: 1, column: 1, length: 1 };
  const parts = {
    run: 'echo "run $SCIF_APPNAME $X $*"\n',
    env: "export X=1\n",
    test: "echo app test\n",
    labels: "L m\n",
    help: "app help\n",
  };
  writeApps(tree, [{ name: "foo", parts, installLines: [], files: [], location }], context);
  await writeMetadata(
    tree,
    {
      ...context,
      texts: {
        help: 'He said <hi> & "bye"\n',
        labels: "own x\nodd <&>\u2028\n",
        environment: "export Z='z z'\n",
        runscript: undefined,
        startscript: undefined,
        test: undefined,
      },
      stored: "Bootstrap: scratch\n%help\nä\n\n",
      encoding: "utf8",
      force: false,
      labels: {
        time: { seconds: 1704096303, timeZone: "UTC" },
        platform: { os: "linux", architecture: "amd64" },
        builder: "tsbuild 0.1.0",
        header: [["bootstrap", "scratch"]],
      },
    },
    noReads,
  );
  return tree;
}

const programs = ["sh", "printf", "echo", "env", "cat", "true", "test"];

/** The tree as a sandbox, with busybox for its programs. */
async function sandbox(t: ExecutionContext, tree: FileTree): Promise<string> {
  const folder = join(await scratch(t), "image");
  writeTree(tree, folder);
  addPrograms(folder);
  return folder;
}

function addPrograms(folder: string): void {
  mkdirSync(join(folder, "bin"), { recursive: true });
  copyFileSync("/usr/bin/busybox", join(folder, "bin/busybox"));
  chmodSync(join(folder, "bin/busybox"), 0o755);
  for (const program of programs) symlinkSync("busybox", join(folder, "bin", program));
}

const run = async (folder: string, ...words: readonly string[]) => {
  const [command = "", ...rest] = words;
  const at = rest.lastIndexOf("IMAGE");
  const ran = await apptainer([command, ...rest.toSpliced(at, 1, folder)], {
    cwd: join(folder, ".."),
  });
  // Sandboxes without these files are all right.
  const stderr = ran.stderr.replaceAll(/^WARNING: (?:passwd|group) file doesn't exist.*\n/gm, "");
  return { ...ran, stderr };
};

const oci: OciSettings = {
  Env: ["PATH=/bin", "A=a b", 'J={"a":1,"b":[2,3]}', 'Q=it\'s "q" $HOME `x` \\ }\ttab\nend'],
  Entrypoint: ["/bin/printf", "[%s]"],
  Cmd: ["C 1", "$HOME", "it's"],
  Labels: { a: "b<" },
};

apptainerTest("inspect tells exactly what our own inspection tells", async (t) => {
  const tree = await madeTree(oci);
  const folder = await sandbox(t, tree);
  const { stdout, stderr } = await run(folder, "inspect", "--all", "--json", "IMAGE");
  t.is(stderr, "");
  const ours = await inspectMetadata(tree, noReads);
  // JSON.stringify keeps the order of members; Apptainer indents what a SIF holds on one line.
  t.deepEqual(JSON.parse(ours), JSON.parse(stdout));
  t.is(JSON.stringify(JSON.parse(ours)), JSON.stringify(JSON.parse(stdout)));
});

apptainerTest("entrypoint, command and arguments of an OCI image", async (t) => {
  const folder = await sandbox(t, await madeTree(oci));
  t.is((await run(folder, "run", "IMAGE")).stdout, "[C 1][$HOME][it's]");
  t.is((await run(folder, "run", "IMAGE", "a b", "-x", "")).stdout, "[a b][-x][]");
  t.is((await run(folder, "run", "IMAGE", "$A")).stdout, "[a b]");
  t.is((await run(folder, "run", "--no-eval", "IMAGE", "$A", 'x"y')).stdout, '[$A][x"y]');
});

apptainerTest("an OCI image runs without any shell in it", async (t) => {
  const folder = await sandbox(t, await madeTree(oci));
  rmSync(join(folder, "bin/sh"));
  t.is((await run(folder, "run", "IMAGE")).stdout, "[C 1][$HOME][it's]");
});

apptainerTest("an OCI image with nothing to run starts a shell", async (t) => {
  const folder = await sandbox(t, await madeTree({ Env: ["PATH=/bin"] }));
  const ran = await run(folder, "run", "IMAGE");
  t.is(ran.exitCode, 0);
  t.is(ran.stdout, "");
  t.regex(ran.stderr, /neither an entrypoint nor a command/);
});

apptainerTest("the environment of the base and of the definition, and --env over it", async (t) => {
  const folder = await sandbox(t, await madeTree(oci));
  const show = 'printf "%s|" "$A" "$J" "$Q" "$Z" "$PS1" "$LD_LIBRARY_PATH"';
  const seen = await run(folder, "exec", "IMAGE", "sh", "-c", show);
  t.is(
    seen.stdout,
    `a b|{"a":1,"b":[2,3]}|it's "q" $HOME \`x\` \\ }\ttab\nend|z z|Apptainer> |/.singularity.d/libs|`,
  );
  const set = await run(folder, "exec", "--env", "Z=mine", "IMAGE", "sh", "-c", 'echo "$Z"');
  t.is(set.stdout, "mine\n");
});

apptainerTest(
  "apps run, are tested and say their help; one that isn't there is an error",
  async (t) => {
    const folder = await sandbox(t, await madeTree());
    t.is((await run(folder, "run", "--app", "foo", "IMAGE", "w")).stdout, "run foo 1 w\n");
    t.is((await run(folder, "test", "--app", "foo", "IMAGE")).stdout, "app test\n");
    t.is((await run(folder, "run-help", "--app", "foo", "IMAGE")).stdout, "app help\n");
    const missing = await run(folder, "run", "--app", "nope", "IMAGE");
    t.is(missing.exitCode, 1);
    t.regex(missing.stdout, /Could not locate the container application: nope/);
  },
);

apptainerTest("an image without a test passes it, and says so", async (t) => {
  const folder = await sandbox(t, await madeTree());
  const ran = await run(folder, "test", "IMAGE");
  t.is(ran.exitCode, 0);
});

apptainerTest("of an image that Apptainer built we tell byte for byte what it tells", async (t) => {
  const folder = await scratch(t);
  const definition = `Bootstrap: localimage
From: base

%post
    echo 'Posted <v>&' >> $APPTAINER_LABELS
    echo 'export P="é €"' >> $APPTAINER_ENVIRONMENT

%labels
    Own x y

%environment
    export A='<&>'

%runscript
    echo run

%startscript
    echo start

%test
    echo test

%help
    He said "hi" \\ <me>

%apprun foo
    echo foo

%appenv foo
    export X=1

%applabels foo
    L m

%apphelp foo
    help of foo

%apprun bar-x
    echo bar
`;
  writeFileSync(join(folder, "image.def"), definition);
  addPrograms(join(folder, "base"));
  const built = await apptainer(["build", "image.sif", "image.def"], { cwd: folder });
  t.is(built.exitCode, 0, built.stderr);
  const image = await openImage(join(folder, "image.sif"), "image.sif");
  try {
    t.is(image.metadata, await inspectMetadata(image.tree, readNode));
  } finally {
    await image.dispose();
  }
});
