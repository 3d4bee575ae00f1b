// One definition with every section, built three times: by root, by a plain user, and by Apptainer. Whoever runs the
// images must not see a difference.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { tsbuild } from "../helpers/build.ts";
import {
  compareTrees,
  describeDifferences,
  type AllowedDifference,
} from "../helpers/compare-trees.ts";
import { serveImages } from "../helpers/images.ts";
import { listImage } from "../helpers/list-image.ts";
import { plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";

const definition = (host: string) => `Bootstrap: docker
From: ${host}/base

%arguments
    WORD=hello

%setup
    echo "from setup" >"$APPTAINER_ROOTFS/from-setup"

%files
    data.txt /opt/data/renamed.txt
    tree /opt/copied
    tree/*.txt /opt/matched/

%post
    apt-get update
    apt-get install --yes --no-install-recommends libcap2-bin iputils-ping
    apt-get clean
    rm -rf /var/lib/apt/lists/*
    echo "{{ WORD }}" >/opt/word
    useradd --create-home --uid 1234 builder
    mkdir -m 750 /opt/owned
    echo kept >/opt/owned/file
    chown -R daemon:mail /opt/owned
    install -m 4755 -o builder /bin/true /opt/set-id
    cp /bin/true /opt/capable
    setcap cap_net_raw+ep /opt/capable
    su builder -c "touch /home/builder/by-builder"
    ln /opt/word /opt/word-again
    test -f /opt/data/renamed.txt
    echo "export FROM_POST='yes, from post'" >>"$APPTAINER_ENVIRONMENT"
    echo "from-post a value" >>"$APPTAINER_LABELS"

%environment
    export LC_ALL=C.UTF-8
    export QUOTED="it's \\"quoted\\" and \\$literal"
    export COMPUTED="$(cat /opt/word)"

%labels
    Maintainer some one
    Version 1.2

%runscript
    echo "run with $# words: $*"
    echo "FROM_POST is $FROM_POST"

%startscript
    sleep 1

%test
    grep -q hello /opt/word
    echo "tested as $(id -u)"

%help
    How to use it:
      {{ WORD }}

%apprun tool
    echo "tool $APPNAME: $*"

%appenv tool
    export TOOL_SETTING=on

%applabels tool
    Kind tool

%appfiles tool
    data.txt

%appinstall tool
    mkdir -p bin
    printf '#!/bin/sh\\necho installed "$TOOL_SETTING"\\n' >bin/in-tool
    chmod 755 bin/in-tool

%apphelp tool
    Help of the tool.

%apptest tool
    in-tool
`;

/** What people do with an image; the words follow \`apptainer\`, \`IMAGE\` stands for its file. */
const uses: readonly (readonly string[])[] = [
  ["run", "IMAGE"],
  ["run", "IMAGE", "one", "two words", "$three"],
  ["run", "--app", "tool", "IMAGE", "one"],
  ["exec", "IMAGE", "/bin/sh", "-c", 'echo "$QUOTED|$COMPUTED|$FROM_POST|$LC_ALL|$PATH"'],
  ["exec", "--cleanenv", "IMAGE", "env"],
  ["exec", "--app", "tool", "IMAGE", "in-tool"],
  ["exec", "--env", "QUOTED=mine", "IMAGE", "/bin/sh", "-c", 'echo "$QUOTED"'],
  [
    "exec",
    "--contain",
    "IMAGE",
    "cat",
    "/opt/data/renamed.txt",
    "/opt/copied/a.txt",
    "/from-setup",
  ],
  ["exec", "IMAGE", "ls", "/opt", "/opt/matched", "/opt/copied", "/scif/apps/tool"],
  ["exec", "IMAGE", "/bin/sh", "-c", "exit 42"],
  ["exec", "IMAGE", "no-such-program"],
  ["shell", "IMAGE"],
  ["test", "IMAGE"],
  ["test", "--app", "tool", "IMAGE"],
  ["run-help", "IMAGE"],
  ["run-help", "--app", "tool", "IMAGE"],
  ["inspect", "--json", "--all", "IMAGE"],
  ["inspect", "--labels", "IMAGE"],
  ["inspect", "--deffile", "IMAGE"],
  ["inspect", "--runscript", "IMAGE"],
  ["inspect", "--startscript", "IMAGE"],
  ["inspect", "--environment", "IMAGE"],
  ["inspect", "--test", "IMAGE"],
  ["inspect", "--helpfile", "IMAGE"],
  ["inspect", "--list-apps", "IMAGE"],
  ["inspect", "--app", "tool", "--json", "--all", "IMAGE"],
  ["sif", "list", "IMAGE"],
];

/** Takes out what names the image, the run or the time of the build. */
function common(text: string, image: string): string {
  return (
    text
      .replaceAll(image, "IMAGE")
      .replaceAll(dirname(image), "FOLDER")
      .replaceAll(/[^/\s=]+\.sif/g, "IMAGE")
      .replaceAll(/"?org\.label-schema\.build-date"?: .*/g, "BUILD-DATE")
      .replaceAll(/^(APPTAINER|SINGULARITY)_(NAME|CONTAINER|BIND)=.*$/gm, "$1_$2=…")
      .replaceAll(/"?org\.label-schema\.usage\.(apptainer|singularity)\.version"?: .*/g, "VERSION")
      // Labels that tsbuild adds, so that tools which know only OCI's names find time, architecture and base.
      .replaceAll(
        /,?\n\t*"org\.opencontainers\.image\.(architecture|created|base\.name|base\.digest)": "[^"]*"/g,
        "",
      )
      .replaceAll(
        /^org\.opencontainers\.image\.(architecture|created|base\.name|base\.digest): .*\n/gm,
        "",
      )
      // Offsets and sizes in the list of a SIF's objects.
      .replaceAll(/\|\d+-\d+ *\|/g, "|RANGE|")
  );
}

function prepare(folder: string, host: string): void {
  writeFileSync(join(folder, "app.def"), definition(host));
  writeFileSync(join(folder, "data.txt"), "some data\n");
  mkdirSync(join(folder, "tree/below"), { recursive: true });
  writeFileSync(join(folder, "tree/a.txt"), "a\n");
  writeFileSync(join(folder, "tree/b.txt"), "b\n");
  writeFileSync(join(folder, "tree/below/c.bin"), Buffer.alloc(200_000, "c"));
}

async function build(
  t: ExecutionContext,
  folder: string,
  host: string,
  user?: PlainUser,
): Promise<string> {
  const cwd = user?.folder ?? folder;
  prepare(cwd, host);
  const run = await tsbuild(["build", "ours.sif", "app.def"], {
    cwd,
    ...(user === undefined ? {} : { user }),
    env: { TSBUILD_CACHEDIR: join(cwd, "cache"), TMPDIR: cwd },
  });
  t.is(run.exitCode, 0, run.stderr);
  t.regex(`${run.stdout}${run.stderr}`, /tested as 0/, "%test ran during the build");
  return join(cwd, "ours.sif");
}

/** The comments in generated scripts are each program's own words; what the scripts do is not. */
const withoutComments = (text: string) =>
  text.replaceAll(/(?<=^|\n|\\n)[ \t]*(?:#(?!!)(?:(?!\\n).)*)?(?:\n|\\n)/g, "");

async function compareUses(t: ExecutionContext, ours: string, theirs: string): Promise<void> {
  for (const words of uses) {
    const complaints: string[] = [];
    const [a, b] = await Promise.all(
      [ours, theirs].map(async (image) => {
        const operands = words.map((word) => (word === "IMAGE" ? image : word));
        const run = await apptainer(operands, { cwd: dirname(image) });
        complaints.push(`${image}:`, run.stderr);
        const stdout = common(run.stdout, image);
        return {
          exitCode: run.exitCode,
          stdout: words[0] === "inspect" ? withoutComments(stdout) : stdout,
        };
      }),
    );
    t.deepEqual(a, b, `apptainer ${words.join(" ")}\n${complaints.join("\n")}`);
  }
}

/** What installing packages leaves behind is not the same in two runs. */
const notRepeatable: readonly AllowedDifference[] = [
  { why: "times are those of the build", allows: ({ what }) => what === "mtimeSeconds" },
  {
    why: "logs, caches and back-up copies hold times",
    allows: ({ path, what }) =>
      ["sha256", "sizeBytes"].includes(what) &&
      /^(var\/(log|cache)\/|var\/lib\/(apt|dpkg|systemd)\/|etc\/(shadow|ld\.so\.cache)|\.singularity\.d\/(labels\.json|Singularity)$)/.test(
        path,
      ),
  },
];

apptainerTest(
  "a definition with every section gives what Apptainer's own build gives",
  async (t) => {
    t.timeout(900_000);
    const folder = await scratch(t);
    await using server = await serveImages();
    const byRoot = await build(t, folder, server.host);
    const byUser = await build(t, folder, server.host, plainUser("with ranges"));

    const theirs = join(folder, "theirs.sif");
    const run = await apptainer(["build", theirs, "app.def"], { cwd: folder });
    t.is(run.exitCode, 0, run.stderr);

    await compareUses(t, byRoot, theirs);
    await compareUses(t, byUser, theirs);

    const differences = compareTrees(
      await listImage(byUser),
      await listImage(byRoot),
      notRepeatable,
    );
    t.is(describeDifferences(differences), "", "a plain user's tree is root's");
  },
);
