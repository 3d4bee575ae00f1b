import test from "ava";
import { inspectMetadata } from "../../src/layout/inspect.ts";
import type { FileNode } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { farAway, noReads, treeOf } from "../helpers/literal-tree.ts";

const own = ".singularity.d";

test("every member, in the order that programs know", async (t) => {
  const { tree, read } = farAway(
    treeOf({
      [`${own}/Singularity`]: "Bootstrap: scratch\n\n",
      [`${own}/env/01-base.sh`]: "no",
      [`${own}/env/10-docker2singularity.sh`]: "#!/bin/sh\n",
      [`${own}/env/10-docker.sh`]: "legacy\n",
      [`${own}/env/90-environment.sh`]: 'export A="<b>"\n\n\n',
      [`${own}/env/91-environment.sh`]: "X\n",
      [`${own}/env/94-appsbase.sh`]: "no",
      [`${own}/labels.json`]: '{"b": "2", "a": "&"}',
      [`${own}/runscript`]: "#!/bin/sh\n\nrun\n\n",
      [`${own}/runscript.help`]: "help\n\n",
      [`${own}/startscript`]: "#!/bin/sh\n",
      [`${own}/test`]: "#!/bin/sh\n\nt\n\n",
      "scif/apps/z/scif/labels.json": '{"SCIF_APP_NAME": "z"}',
      "scif/apps/a/scif/env/01-base.sh": "no",
      "scif/apps/a/scif/env/90-environment.sh": "E\n",
      "scif/apps/a/scif/labels.json": '{"SCIF_APP_NAME": "a"}',
      "scif/apps/a/scif/runscript": "r\n",
      "scif/apps/a/scif/startscript": "s\n",
      "scif/apps/a/scif/test": "t\n",
      "scif/apps/a/scif/runscript.help": "h\n",
      "scif/apps/no-app/file": "",
    }),
  );
  t.is(
    await inspectMetadata(tree, read),
    '{"data":{"attributes":{' +
      '"apps":{' +
      '"a":{"environment":{"/scif/apps/a/scif/env/90-environment.sh":"E"},' +
      '"labels":{"SCIF_APP_NAME":"a"},"runscript":"r","startscript":"s","test":"t","helpfile":"h"},' +
      '"z":{"labels":{"SCIF_APP_NAME":"z"}}},' +
      '"environment":{"/.singularity.d/env/10-docker.sh":"legacy",' +
      '"/.singularity.d/env/10-docker2singularity.sh":"#!/bin/sh",' +
      '"/.singularity.d/env/90-environment.sh":"export A=\\"\\u003cb\\u003e\\"",' +
      '"/.singularity.d/env/91-environment.sh":"X"},' +
      '"labels":{"a":"\\u0026","b":"2"},' +
      '"runscript":"#!/bin/sh\\n\\nrun","test":"#!/bin/sh\\n\\nt","helpfile":"help",' +
      '"deffile":"Bootstrap: scratch","startscript":"#!/bin/sh"' +
      '}},"type":"container"}',
  );
});

test("an image that says nothing", async (t) => {
  t.is(
    await inspectMetadata(new FileTree(), noReads),
    '{"data":{"attributes":{}},"type":"container"}',
  );
});

test("it is JSON whatever the bytes are", async (t) => {
  const tree = treeOf({
    [`${own}/env/9\xff-environment.sh`]: '\u0000"\\\u2028',
    "scif/apps/\xfe/scif/": {},
  });
  const value: unknown = JSON.parse(await inspectMetadata(tree, noReads));
  t.deepEqual(value, {
    data: {
      attributes: {
        environment: { "/.singularity.d/env/9\ufffd-environment.sh": '\u0000"\\\u2028' },
      },
    },
    type: "container",
  });
});

test("a thousand large files are refused before they fill the memory", async (t) => {
  const megabytes = 8 * 1024 * 1024;
  const bytes = Buffer.alloc(megabytes, "x");
  const tree = new FileTree();
  const file: FileNode = {
    type: "file",
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    sizeBytes: megabytes,
    content: { kind: "bytes", bytes },
  };
  for (let index = 0; index < 1000; index++) {
    tree.put(`${own}/env/9${index}-environment.sh`, file);
  }
  await t.throwsAsync(inspectMetadata(tree, noReads), { code: "layout/metadata-too-large" });
});
