// What a definition and its Dockerfile make is the same: buildah builds the one, tsbuild the other and, once more, the
// definition that the Dockerfile becomes. buildah needs neither network nor a base image for that.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { tsbuild } from "../helpers/build.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { listTree, type TreeList } from "../helpers/list-tree.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const canJudge = process.getuid?.() === 0 && isInstalled("buildah") && isInstalled("/bin/busybox");

const definition = `Bootstrap: scratch
Stage: make

%arguments
    WORD=two words
    CODE=a 'quoted' "$VALUE" \\\`x\\\`

%files
    bin/. /bin
    src /src
    src /src
    one.txt

%post
    /bin/busybox --install -s /bin
    # What is made has the modes of Apptainer's umask.
    mkdir -p /out/sub /etc && echo "{{ WORD }}" {{ WORD }} '{{ WORD }}' >/out/sub/words
    echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
    for name in a b; do
        touch "/out/$name"   # two of them
    done
    cat >/out/heredoc <<-'END'
\t{{ CODE }} $x
\tEND
    case "{{ WORD }}" in
    esac || true
    ln -s a /out/link; chmod 4711 /out/a; chown 7:8 /out/b
    pwd >/out/where; umask >>/out/where

Bootstrap: scratch

%arguments
    VERSION=1.2
    FULL=v{{ VERSION }}

%files from make
    /bin /
    /etc /
    /out/ /kept/
    /out/sub
    /out/a /kept/
    /out/a /kept/new

%files
    src/deep/. /kept/src
    src/deep /kept
    "two words.txt" /kept/
    *.txt /kept/all/

%setup
    touch "$APPTAINER_ROOTFS/set-up"

%post
    if [ -e /kept/link ]; then
        echo link >>/said
    else
        echo "no link" >>/said
    fi
    false || echo "it's {{ FULL }}" >>/said
    echo "$-" | grep -q e && echo "stops at mistakes" >>/said
    (cd /kept && ls -A | sort) >>/said
    printf '%s\\n' "a\\b" \\
        'c # d' "$(echo "e # f")" >>/said
    chmod 2750 /kept/sub-made 2>/dev/null || mkdir -m 2750 /kept/sub-made

%environment
    export VERSION={{ VERSION }} NAME="it's \\"quoted\\""
    export TWICE="$NAME/$VERSION"
    if [ -n "$VERSION" ]; then
        export LATER=$(echo computed $VERSION)
    fi

%labels
    Version {{ FULL }}
    Quoted "a" $b \\c

%runscript
    echo "$VERSION|$NAME|$TWICE|$LATER|$#"
    for word in "$@"; do
        echo "[$word] {{ FULL }}"
    done

%test
    grep -q "it's v1.2" /said
`;

hostTest(
  "root, buildah, busybox",
  canJudge,
  "a definition, its Dockerfile, and the definition of that build the same tree, which does the same",
  async (t) => {
    const folder = await scratch(t);
    for (const [name, text] of Object.entries({
      "app.def": definition,
      "one.txt": "1\n",
      "two words.txt": "2\n",
      "src/deep/.dot": "dot\n",
      "src/deep/er/x": "x\n",
      "src/run": "#!/bin/sh\n",
    })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: name === "src/run" ? 0o755 : 0o644 });
    }
    mkdirSync(join(folder, "bin"));
    cpSync("/bin/busybox", join(folder, "bin/busybox"));
    cpSync("/bin/busybox", join(folder, "bin/sh"));
    symlinkSync("x", join(folder, "src/deep/er/link"));

    const there = await runCli(["convert", "app.def", "-o", "Dockerfile"], folder);
    t.is(there.exitCode, 0, there.stderr);
    const back = await runCli(["convert", "Dockerfile", "-o", "back.def"], folder);
    t.is(back.exitCode, 0, back.stderr);
    for (const name of ["app", "back"]) {
      const made = await tsbuild(["build", "--sandbox", name, `${name}.def`], { cwd: folder });
      t.is(made.exitCode, 0, made.stderr);
    }
    const { root, config } = await buildahBuild(folder);

    const theirs = relevant(listTree(root));
    for (const name of ["app", "back"]) {
      const differences = compareTrees(relevant(listTree(join(folder, name))), theirs, [
        { why: "each build has its own time", allows: ({ what }) => what === "mtimeSeconds" },
        {
          why: "COPY leaves links alone, as is told",
          allows: ({ path }) => path.endsWith("er/link"),
        },
      ]);
      t.deepEqual(differences, [], `${name}: ${describeDifferences(differences)}`);
    }

    const words = ["", "a  b", "$HOME"];
    const environment = Object.fromEntries(
      config.Env.map((pair) => [
        pair.slice(0, pair.indexOf("=")),
        pair.slice(pair.indexOf("=") + 1),
      ]),
    );
    const dockers = execFileSync("chroot", [root, ...config.Entrypoint, ...words], {
      env: environment,
      encoding: "utf8",
    });
    t.is(
      dockers,
      `1.2|it's "quoted"|it's "quoted"/1.2|computed 1.2|3\n[] v1.2\n[a  b] v1.2\n[$HOME] v1.2\n`,
    );
    for (const name of ["app", "back"]) {
      const start = '. /.singularity.d/env/90-environment.sh; exec /.singularity.d/runscript "$@"';
      const ours = execFileSync(
        "chroot",
        [join(folder, name), "/bin/sh", "-c", start, "sh", ...words],
        { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, encoding: "utf8" },
      );
      t.is(ours, dockers, name);
    }
    const labels = { Version: "v1.2", Quoted: '"a" $b \\c' };
    t.like(config.Labels, labels);
    for (const name of ["app", "back"]) {
      const { stdout } = await tsbuild(["inspect", "--json", name], { cwd: folder });
      const shown = JSON.parse(stdout) as { data: { attributes: { labels: object } } };
      t.like(shown.data.attributes.labels, labels);
    }
  },
);

const dockerfile = `ARG NAME=world
FROM scratch AS base
ADD bin.tar /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY passwd group /etc/
ENV GREETING="hello \\$NAME" PATH=/opt/bin:$PATH

FROM base AS make
ARG NAME
ARG SUFFIX=$NAME.txt
WORKDIR /work
COPY src/ .
COPY one.txt /tmp/in.txt
RUN cat /tmp/in.txt one.txt >"$SUFFIX"; echo "$GREETING $NAME" > said; cp said /tmp/said
WORKDIR sub
RUN pwd >where && umask >>where; false || true; cd / && mkdir -m 700 /private
RUN set -e; \\
    # a comment
    for file in a b; do \\
        touch /work/$file; \\
    done

FROM base
COPY --from=make /work /work
COPY --from=make /work/said /tmp/said /both/
COPY --from=0 /etc/passwd /etc/copied
COPY --chown=some:root src /owned/deep/er
COPY --chown=7 one.txt src/run /owned/
COPY src/*un /matched/
COPY ["two words.txt", "/two words"]
WORKDIR /app
COPY . all/
RUN rm -r all/bin.tar && mv all/one.txt moved && ls -A /work | sort >list
COPY one.txt /work/said
ADD bin.tar /unpacked
WORKDIR ..
RUN pwd >here
LABEL one=1 two="$GREETING"
WORKDIR /app
ENTRYPOINT ["sh", "-c", "pwd; echo \\"$GREETING\\" $0 $@"]
CMD ["x", "y z"]
`;

hostTest(
  "root, buildah, busybox",
  canJudge,
  "a Dockerfile and the definition of it build the same tree, which does the same",
  async (t) => {
    const folder = await scratch(t);
    const root = join(folder, "root");
    mkdirSync(join(root, "bin"), { recursive: true });
    cpSync("/bin/busybox", join(root, "bin/busybox"));
    symlinkSync("busybox", join(root, "bin/sh"));
    const context = join(folder, "context");
    for (const [name, text] of Object.entries({
      Dockerfile: dockerfile,
      "one.txt": "1\n",
      "two words.txt": "2\n",
      passwd: "root:x:0:0::/:/bin/sh\nsome:x:7:8::/:/bin/sh\n",
      group: "root:x:0:\n",
      "src/one.txt": "src\n",
      "src/.dot/x": "x\n",
      "src/run": "#!/bin/sh\n",
    })) {
      mkdirSync(dirname(join(context, name)), { recursive: true });
      writeFileSync(join(context, name), text, { mode: name === "src/run" ? 0o755 : 0o644 });
    }
    execFileSync("tar", ["-cf", join(context, "bin.tar"), "-C", root, "bin"]);
    const converted = await runCli(["convert", "Dockerfile", "-o", "../made.def"], context);
    t.is(converted.exitCode, 0, converted.stderr);
    const ours = await tsbuild(["build", "--sandbox", "../ours", "../made.def"], { cwd: context });
    t.is(ours.exitCode, 0, ours.stderr);
    const theirs = await buildahBuild(folder, "context");

    const differences = compareTrees(
      relevant(listTree(join(folder, "ours"))),
      relevant(listTree(theirs.root)),
      [{ why: "each build has its own time", allows: ({ what }) => what === "mtimeSeconds" }],
    );
    t.deepEqual(differences, [], describeDifferences(differences));
    for (const words of [[], ["a  b"]]) {
      const start = '. /.singularity.d/env/90-environment.sh; exec /.singularity.d/runscript "$@"';
      const said = execFileSync(
        "chroot",
        [join(folder, "ours"), "/bin/sh", "-c", start, "sh", ...words],
        { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, encoding: "utf8" },
      );
      const expected = words.length === 0 ? "x y z" : "a b";
      t.is(said, `/app\nhello $NAME ${expected}\n`);
    }
    t.like(theirs.config, { Entrypoint: ["sh", "-c", 'pwd; echo "$GREETING" $0 $@'] });
    t.true(theirs.config.Env.includes("GREETING=hello $NAME"));
  },
);

/** Builds the Dockerfile of a folder, below the one that is given. */
async function buildahBuild(folder: string, context = ".") {
  const buildah = async (...words: string[]) => {
    const own = ["--root", join(folder, "store"), "--runroot", join(folder, "run")];
    const { stdout } = await execa("buildah", [...own, "--storage-driver", "vfs", ...words], {
      cwd: folder,
      env: { BUILDAH_ISOLATION: "chroot" },
    });
    return stdout;
  };
  await buildah("bud", "--quiet", "--network", "host", "-t", "made", context);
  const container = await buildah("from", "made");
  const root = await buildah("mount", container);
  const { OCIv1 } = JSON.parse(await buildah("inspect", "made")) as {
    OCIv1: { config: { Env: string[]; Entrypoint: string[]; Labels: Record<string, string> } };
  };
  return { root, config: OCIv1.config };
}

/** What the definition says: not what every image of a program has. */
function relevant(tree: TreeList): TreeList {
  const own =
    /^(?:|set-up|\.tsbuild.*|\.singularity\.d.*|\.exec|\.run|\.shell|\.test|singularity|environment|dev.*|proc|root|run.*|sys|tmp|var.*|home|etc|etc\/(?:hosts|hostname|resolv\.conf))$/;
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !own.test(path)));
}
