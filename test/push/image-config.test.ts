import test from "ava";
import { readNode } from "../../src/contents/read-node.ts";
import { imageForOci, type ConfigObject } from "../../src/push/image-config.ts";
import { literalExports } from "../../src/push/literal-exports.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { file, link, tree } from "../helpers/tree.ts";

const lines: readonly (readonly [line: string, found: Readonly<Record<string, string>>])[] = [
  ["export A=1", { A: "1" }],
  [
    "  export A=/x/y:/z B='two words' C=\"three, four\"",
    { A: "/x/y:/z", B: "two words", C: "three, four" },
  ],
  ["export A=a'b'\"c\"", { A: "abc" }],
  ["export A=", { A: "" }],
  ["A=1", {}],
  ["export PATH=/x:$PATH", {}],
  ['export A="$HOME"', {}],
  ["export A=`date`", {}],
  ["export A=1; rm x", {}],
  ["export A=1 # why", {}],
  ["export A=*", {}],
  ["export A", {}],
  ["# export A=1", {}],
];
for (const [line, found] of lines) {
  test(`${line} exports ${JSON.stringify(found)}`, (t) => {
    t.deepEqual(Object.fromEntries(literalExports(line)), found);
  });
}

const script = (body: string) => `#!/bin/sh\n${body}`;

function imageWith(files: Readonly<Record<string, string>>): FileTree {
  return tree(
    Object.fromEntries(
      Object.entries({
        "env/90-environment.sh": script("# nothing\n"),
        runscript: script(""),
        ...files,
      }).map(([name, text]) => [`.singularity.d/${name}`, file(text, { mode: 0o755 })]),
    ),
  );
}

const convert = (image: FileTree, base?: ConfigObject) => imageForOci(image, base, 7, readNode);

test("an image without runscript and environment gets no entrypoint", async (t) => {
  const image = imageWith({ "labels.json": '{"b": "2", "a": "1"}' });
  const { tree: made, config } = await convert(image);
  t.is(made, image);
  t.deepEqual(config, {
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    Labels: { a: "1", b: "2" },
  });
});

test("a runscript that came from an OCI image goes back to its entrypoint, with all else of it", async (t) => {
  const base = {
    Env: ["PATH=/bin", "A=1"],
    Entrypoint: ["/run"],
    Cmd: ["x"],
    User: "me",
    StopSignal: "9",
  };
  const image = imageWith({
    runscript: script("OCI_ENTRYPOINT='\"/run\"'\nOCI_CMD='\"x\"'\nexec /run\n"),
  });
  const { tree: made, config } = await convert(image, base);
  t.is(made, image);
  t.deepEqual(config, { ...base, Labels: {} });
});

test("one with an environment of its own gets a starter, and the same variable once", async (t) => {
  const base = { Env: ["PATH=/bin", "A=1"], Entrypoint: ["/run"], Cmd: ["x"] };
  const image = imageWith({
    runscript: script("OCI_ENTRYPOINT='\"/run\"'\nOCI_CMD='\"x\"'\nexec /run\n"),
    "env/90-environment.sh": script("export A=2\nexport PATH=/opt:$PATH\n"),
  });
  const { tree: made, config } = await convert(image, base);
  t.deepEqual(config, {
    Env: ["PATH=/bin", "A=2"],
    Entrypoint: ["/.singularity.d/oci/entrypoint"],
    Labels: {},
  });
  t.is(made.get(".singularity.d/oci/runscript")?.type, "file");
  t.not(
    made.get(".singularity.d/oci/runscript"),
    made.get(".singularity.d/runscript"),
    "no hard link",
  );
  t.is(image.get(".singularity.d/oci"), undefined, "the image itself is as it was");
});

test("an image that has a starter already, which its runscript starts, gets another beside it", async (t) => {
  const image = imageWith({
    runscript: script("exec /.singularity.d/oci/entrypoint\n"),
    "oci/entrypoint": "x",
  });
  const { tree: made, config } = await convert(image);
  t.deepEqual(config["Entrypoint"], ["/.singularity.d/oci2/entrypoint"]);
  t.is(made.get(".singularity.d/oci/entrypoint"), image.get(".singularity.d/oci/entrypoint"));
});

test("a runscript behind a link is the file that it leads to", async (t) => {
  const image = imageWith({});
  image.put(".singularity.d/runscript", link("../opt/run.sh"));
  image.put("opt/run.sh", file(script("echo hi\n"), { mode: 0o755 }));
  const { tree: made } = await convert(image);
  const kept = made.get(".singularity.d/oci/runscript");
  t.is(kept?.type === "file" && Buffer.from(await readNode(kept)).toString(), script("echo hi\n"));
});

test("scripts of other names that set something count", async (t) => {
  const image = imageWith({ "env/91-environment.sh": script("export B=$A\n") });
  t.deepEqual((await convert(image)).config["Entrypoint"], ["/.singularity.d/oci/entrypoint"]);
});
