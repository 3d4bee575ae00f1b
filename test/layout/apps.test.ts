import test from "ava";
import { appInstallScript, writeApps } from "../../src/layout/apps.ts";
import type { App } from "../../src/model/plan.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { modeAt, textAt } from "../helpers/literal-tree.ts";

export function app(name: string, parts: App["parts"] = {}, line = 1): App {
  const install = parts.install?.split("\n").length ?? 1;
  return {
    name,
    parts,
    installLines: Array.from({ length: install - 1 }, (_, index) => line + 1 + index),
    files: [],
    location: { file: "d.def", line, column: 1, length: 1 },
  };
}

const full = app("foo", {
  run: "echo 1\n",
  start: "s\n",
  test: "#!/bin/bash\nt\n",
  env: "export X=1\n",
  help: "hh\n",
  labels: "A b c\n",
});

test("the tree of an app with every section", (t) => {
  const tree = new FileTree();
  writeApps(tree, [full], { timeSeconds: 9 });
  const seen = [...tree.walk()].map(({ path }) => `${path} ${modeAt(tree, path)}`);
  t.deepEqual(
    seen.filter((line) => line.startsWith("scif")),
    [
      "scif 755",
      "scif/apps 755",
      "scif/apps/foo 755",
      "scif/apps/foo/bin 755",
      "scif/apps/foo/lib 755",
      "scif/apps/foo/scif 755",
      "scif/apps/foo/scif/env 755",
      "scif/apps/foo/scif/env/01-base.sh 755",
      "scif/apps/foo/scif/env/90-environment.sh 755",
      "scif/apps/foo/scif/labels.json 644",
      "scif/apps/foo/scif/runscript 755",
      "scif/apps/foo/scif/runscript.help 644",
      "scif/apps/foo/scif/startscript 755",
      "scif/apps/foo/scif/test 755",
      "scif/data 755",
      "scif/data/foo 755",
      "scif/data/foo/input 755",
      "scif/data/foo/output 755",
    ],
  );
  const meta = "scif/apps/foo/scif";
  t.is(textAt(tree, `${meta}/runscript`), "#!/bin/sh\n\necho 1\n\n");
  t.is(textAt(tree, `${meta}/startscript`), "#!/bin/sh\n\ns\n\n");
  t.is(textAt(tree, `${meta}/test`), "#!/bin/sh\n\n#!/bin/bash\nt\n\n");
  t.is(textAt(tree, `${meta}/env/90-environment.sh`), "export X=1\n");
  t.is(textAt(tree, `${meta}/runscript.help`), "hh\n");
  t.is(textAt(tree, `${meta}/labels.json`), '{\n\t"A": "b c",\n\t"SCIF_APP_NAME": "foo"\n}');
});

test("an app with nothing but a mention has its directories, name and base", (t) => {
  const tree = new FileTree();
  writeApps(tree, [app("bare")], { timeSeconds: 9 });
  t.is(textAt(tree, "scif/apps/bare/scif/labels.json"), '{\n\t"SCIF_APP_NAME": "bare"\n}');
  t.is(modeAt(tree, "scif/apps/bare/scif/env/01-base.sh"), "755");
  t.is(modeAt(tree, "scif/apps/bare/scif/runscript"), undefined);
  t.is(modeAt(tree, "scif/apps/bare/scif/env/90-environment.sh"), undefined);
});

test("without apps there is an empty 94-appsbase.sh and no /scif", (t) => {
  const tree = new FileTree();
  writeApps(tree, [], { timeSeconds: 9 });
  t.is(textAt(tree, ".singularity.d/env/94-appsbase.sh"), "");
  t.is(modeAt(tree, ".singularity.d/env/94-appsbase.sh"), "755");
  t.is(tree.get("scif"), undefined);
});

test("94-appsbase.sh names an app's parts, with the app's true name in paths", (t) => {
  const tree = new FileTree();
  writeApps(tree, [app("a-b", { run: "x\n" }), app("c")], { timeSeconds: 9 });
  t.is(
    textAt(tree, ".singularity.d/env/94-appsbase.sh"),
    `export SCIF_APPDATA_a_b=/scif/data/a-b
export SCIF_APPMETA_a_b=/scif/apps/a-b/scif
export SCIF_APPROOT_a_b=/scif/apps/a-b
export SCIF_APPBIN_a_b=/scif/apps/a-b/bin
export SCIF_APPLIB_a_b=/scif/apps/a-b/lib
export SCIF_APPLABELS_a_b=/scif/apps/a-b/scif/labels.json
export SCIF_APPRUN_a_b=/scif/apps/a-b/scif/runscript
export SCIF_APPDATA_c=/scif/data/c
export SCIF_APPMETA_c=/scif/apps/c/scif
export SCIF_APPROOT_c=/scif/apps/c
export SCIF_APPBIN_c=/scif/apps/c/bin
export SCIF_APPLIB_c=/scif/apps/c/lib
export SCIF_APPLABELS_c=/scif/apps/c/scif/labels.json
`,
  );
});

test("an app of a base image keeps what is not written anew", (t) => {
  const tree = new FileTree();
  writeApps(tree, [app("foo", { run: "old\n", env: "old\n" })], { timeSeconds: 1 });
  writeApps(tree, [app("foo", { run: "new\n" })], { timeSeconds: 2 });
  t.is(textAt(tree, "scif/apps/foo/scif/runscript"), "#!/bin/sh\n\nnew\n\n");
  t.is(textAt(tree, "scif/apps/foo/scif/env/90-environment.sh"), "old\n");
  t.like(tree.get("scif/apps/foo/bin"), { mtimeSeconds: 1 });
});

test("a definition that is not UTF-8 keeps its bytes", (t) => {
  const tree = new FileTree();
  writeApps(tree, [app("f\xff", { help: "\xe9\n" })], { timeSeconds: 1, encoding: "latin1" });
  const node = tree.get("scif/apps/f\xff/scif/runscript.help");
  t.like(node, { type: "file", sizeBytes: 2 });
  t.regex(textAt(tree, "scif/apps/f\xff/scif/labels.json"), /"SCIF_APP_NAME": "f\\ufffd"/);
});

test("an app can't be called so that it leaves the image", (t) => {
  t.throws(() => writeApps(new FileTree(), [app("../../..")], { timeSeconds: 1 }), {
    code: "tree/path-escape",
  });
});

test("the installation goes to each app's directory and back, in order, with lines of the definition", (t) => {
  const apps = [app("b", { install: "echo 1\necho 2\n" }, 10), app("a b", {}, 20)];
  const { text, lines } = appInstallScript(apps);
  t.is(
    text,
    `cd /
. /scif/apps/b/scif/env/01-base.sh
cd /scif/apps/b
echo 1
echo 2
cd /
cd /
. '/scif/apps/a b/scif/env/01-base.sh'
cd '/scif/apps/a b'
cd /
`,
  );
  t.deepEqual(lines, [10, 10, 10, 11, 12, 10, 20, 20, 20, 20]);
  t.is(text.split("\n").length - 1, lines.length);
});

test("no apps, no installation", (t) => {
  t.deepEqual(appInstallScript([]), { text: "", lines: [] });
});
