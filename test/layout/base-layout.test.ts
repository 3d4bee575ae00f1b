import test from "ava";
import { applyBaseLayout } from "../../src/layout/base-layout.ts";
import { applyMadeRunscript } from "../../src/layout/made-runscript.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { modeAt, textAt, treeOf } from "../helpers/literal-tree.ts";

const anew = { overwrite: true, timeSeconds: 1000 };
const kept = { overwrite: false, timeSeconds: 1000 };

test("an empty tree gets everything that a runtime looks for, and nothing else", (t) => {
  const tree = new FileTree();
  applyBaseLayout(tree, anew);
  const lines = [...tree.walk()].map(({ path }) => `${path} ${modeAt(tree, path)}`);
  t.deepEqual(lines, [
    " 755",
    ".exec → .singularity.d/actions/exec",
    ".run → .singularity.d/actions/run",
    ".shell → .singularity.d/actions/shell",
    ".singularity.d 755",
    ".singularity.d/actions 755",
    ".singularity.d/actions/exec 755",
    ".singularity.d/actions/run 755",
    ".singularity.d/actions/shell 755",
    ".singularity.d/actions/start 755",
    ".singularity.d/actions/test 755",
    ".singularity.d/env 755",
    ".singularity.d/env/01-base.sh 755",
    ".singularity.d/env/90-environment.sh 755",
    ".singularity.d/env/95-apps.sh 755",
    ".singularity.d/env/99-base.sh 755",
    ".singularity.d/env/99-runtimevars.sh 755",
    ".singularity.d/libs 755",
    ".singularity.d/runscript 755",
    ".singularity.d/startscript 755",
    ".test → .singularity.d/actions/test",
    "dev 755",
    "environment → .singularity.d/env/90-environment.sh",
    "etc 755",
    "etc/hosts 644",
    "etc/resolv.conf 644",
    "home 755",
    "proc 755",
    "root 755",
    "singularity → .singularity.d/runscript",
    "sys 755",
    "tmp 755",
    "var 755",
    "var/tmp 755",
  ]);
});

test("what is written is root's and has the time of the build", (t) => {
  const tree = new FileTree();
  applyBaseLayout(tree, anew);
  for (const { path, node } of tree.walk()) {
    if (path !== "") t.like(node, { uid: 0, gid: 0, mtimeSeconds: 1000 }, path);
  }
});

test("attributes of directories that are there stay", (t) => {
  const tree = treeOf({ "tmp/": { mode: 0o1777, uid: 7 }, "etc/": { mode: 0o711, uid: 8 } });
  applyBaseLayout(tree, anew);
  t.like(tree.get("tmp"), { mode: 0o1777, uid: 7, mtimeSeconds: 1 });
  t.like(tree.get("etc"), { mode: 0o711, uid: 8, mtimeSeconds: 1 });
});

test("a symlink in place of a directory stays", (t) => {
  const tree = treeOf({ "data/": {}, home: { link: "data" }, root: { link: "nowhere" } });
  applyBaseLayout(tree, anew);
  t.is(modeAt(tree, "home"), "→ data");
  t.is(modeAt(tree, "root"), "→ nowhere");
});

test("overwriting empties hosts and resolv.conf and renews scripts", (t) => {
  const tree = treeOf({
    "etc/hosts": { text: "h", mode: 0o444 },
    "etc/resolv.conf": { text: "r", mode: 0o600 },
    ".singularity.d/runscript": "old",
    ".singularity.d/env/99-base.sh": "old",
  });
  applyBaseLayout(tree, anew);
  t.is(textAt(tree, "etc/hosts") + textAt(tree, "etc/resolv.conf"), "");
  t.is(modeAt(tree, "etc/hosts"), "644");
  t.is(modeAt(tree, "etc/resolv.conf"), "644");
  t.not(textAt(tree, ".singularity.d/runscript"), "old");
  t.not(textAt(tree, ".singularity.d/env/99-base.sh"), "old");
});

test("without overwriting contents stay and modes are forced", (t) => {
  const tree = treeOf({
    "etc/hosts": { text: "h", mode: 0o600 },
    ".singularity.d/runscript": { text: "old", mode: 0o644 },
    ".singularity.d/env/99-base.sh": { text: "old", mode: 0o600, mtimeSeconds: 5 },
  });
  applyBaseLayout(tree, kept);
  t.is(textAt(tree, "etc/hosts"), "h");
  t.is(modeAt(tree, "etc/hosts"), "644");
  t.is(textAt(tree, ".singularity.d/runscript"), "old");
  t.is(modeAt(tree, ".singularity.d/runscript"), "755");
  t.like(tree.get(".singularity.d/env/99-base.sh"), { mode: 0o755, mtimeSeconds: 5 });
  t.true(textAt(tree, ".singularity.d/env/95-apps.sh").startsWith("#!/bin/sh\n"));
});

test("files and links that resolve keep the names at the top; others are replaced", (t) => {
  const tree = treeOf({
    environment: "mine",
    "opt/run": "x",
    singularity: { link: "opt/run" },
    ".exec": { link: "gone" },
  });
  applyBaseLayout(tree, anew);
  t.is(textAt(tree, "environment"), "mine");
  t.is(modeAt(tree, "singularity"), "→ opt/run");
  t.is(modeAt(tree, ".exec"), "→ .singularity.d/actions/exec");
});

test("a root directory without write permission gets it", (t) => {
  const tree = treeOf({ "/": { mode: 0o555 } });
  applyBaseLayout(tree, anew);
  t.is(modeAt(tree, ""), "755");
});

for (const [what, target] of [
  ["leads nowhere", "../run/nope/resolv"],
  ["is absolute and leads nowhere", "/run/systemd/resolve/stub-resolv.conf"],
  ["climbs out of the root", "../../../../../../etc/passwd-of-the-host"],
  ["leads to itself", "resolv.conf"],
  ["leads to a directory", "../usr"],
] as const) {
  test(`a resolv.conf that ${what} becomes an empty regular file`, (t) => {
    for (const context of [anew, kept]) {
      const tree = treeOf({ "etc/resolv.conf": { link: target }, "usr/": {} });
      applyBaseLayout(tree, context);
      t.is(textAt(tree, "etc/resolv.conf"), "");
      t.is(modeAt(tree, "etc/resolv.conf"), "644");
      t.is(tree.get("run"), undefined);
    }
  });
}

const linked = () =>
  treeOf({ "etc/hosts": { link: "/usr/share/hosts" }, "usr/share/hosts": "inside" });

test("a hosts link to a file of the image is replaced, or stays with what is kept", (t) => {
  const overwritten = linked();
  applyBaseLayout(overwritten, anew);
  t.is(textAt(overwritten, "etc/hosts"), "");
  t.is(textAt(overwritten, "usr/share/hosts"), "inside");
  const image = linked();
  applyBaseLayout(image, kept);
  t.is(modeAt(image, "etc/hosts"), "→ /usr/share/hosts");
  t.is(textAt(image, "usr/share/hosts"), "inside");
});

test("a linked .singularity.d is written to where it leads, inside the tree", (t) => {
  const tree = treeOf({ ".singularity.d": { link: "../../opt/meta" }, "opt/meta/": {} });
  applyBaseLayout(tree, anew);
  t.is(modeAt(tree, ".singularity.d"), "→ ../../opt/meta");
  t.is(modeAt(tree, "opt/meta/env/99-base.sh"), "755");
});

test("the runscript of a made base is only its first line", (t) => {
  const tree = new FileTree();
  applyBaseLayout(tree, anew);
  applyMadeRunscript(tree, anew);
  t.is(textAt(tree, ".singularity.d/runscript"), "#!/bin/sh\n");
});
