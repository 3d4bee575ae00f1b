import test from "ava";
import { applyOciConfig, type OciSettings } from "../../src/layout/oci-config.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { modeAt, textAt } from "../helpers/literal-tree.ts";

const context = { timeSeconds: 1 };

function applied(config: OciSettings): FileTree {
  const tree = new FileTree();
  applyOciConfig(tree, config, context);
  return tree;
}

test("the environment, as other programs expect it", (t) => {
  const tree = applied({
    Env: ["PATH=/opt/bin:/bin", "FOO=a b", "EMPTY=", "BAD-NAME=1", "NOEQ", "EQ=a=b", "", "=x"],
  });
  t.is(
    textAt(tree, ".singularity.d/env/10-docker2singularity.sh"),
    `#!/bin/sh
export PATH="/opt/bin:/bin"
export FOO="\${FOO:-"a b"}"
export EMPTY="\${EMPTY:-""}"
export NOEQ="\${NOEQ:-}"
export EQ="\${EQ:-"a=b"}"
`,
  );
  t.is(modeAt(tree, ".singularity.d/env/10-docker2singularity.sh"), "755");
});

test("without an environment the file is there all the same", (t) => {
  for (const config of [{}, { Env: null }, { Env: [] }]) {
    const text = textAt(applied(config), ".singularity.d/env/10-docker2singularity.sh");
    t.is(text, "#!/bin/sh\n");
  }
});

test("the lines of the runscript that other programs read", (t) => {
  const tree = applied({ Entrypoint: ["/bin/echo", "ep arg"], Cmd: ['cmd "1"', "$HOME", "it's"] });
  const lines = textAt(tree, ".singularity.d/runscript").split("\n");
  t.is(lines[0], "#!/bin/sh");
  t.is(lines[1], `OCI_ENTRYPOINT='"/bin/echo" "ep arg"'`);
  t.is(lines[2], `OCI_CMD='"cmd \\"1\\"" "\\$HOME" "it'"'"'s"'`);
  t.true(lines.includes('eval "set ${SINGULARITY_OCI_RUN}"'));
  t.is(modeAt(tree, ".singularity.d/runscript"), "755");
});

test("nothing to run is two empty lists", (t) => {
  for (const config of [{}, { Entrypoint: null, Cmd: null }, { Entrypoint: [], Cmd: [] }]) {
    const text = textAt(applied(config), ".singularity.d/runscript");
    t.true(text.startsWith("#!/bin/sh\nOCI_ENTRYPOINT=''\nOCI_CMD=''\n"));
  }
});

test("labels, sorted", (t) => {
  t.is(
    textAt(applied({ Labels: { b: "2", a: "<1>" } }), ".singularity.d/labels.json"),
    '{\n\t"a": "\\u003c1\\u003e",\n\t"b": "2"\n}',
  );
  t.is(textAt(applied({ Labels: null }), ".singularity.d/labels.json"), "{}");
});

test("working directory and user make nothing", (t) => {
  const config = { WorkingDir: "/w", User: "1000", Volumes: { "/data": {} } };
  const tree = applied(config as OciSettings);
  t.deepEqual([...tree.root.children.keys()], [".singularity.d"]);
});

for (const [what, config] of [
  ["an environment that is not a list", { Env: { A: "b" } }],
  ["a number for a word", { Cmd: [1] }],
  ["a NUL in a word", { Entrypoint: ["a\0b"] }],
  ["a NUL in the environment", { Env: ["A=\0"] }],
  ["a label that is not a text", { Labels: { a: null } }],
] as const) {
  test(`${what} is an error`, (t) => {
    t.throws(() => applied(config as unknown as OciSettings), { code: "layout/oci-config" });
  });
}
