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
    const buildah = async (...words: string[]) => {
      const own = ["--root", join(folder, "store"), "--runroot", join(folder, "run")];
      const { stdout } = await execa("buildah", [...own, "--storage-driver", "vfs", ...words], {
        cwd: folder,
        env: { BUILDAH_ISOLATION: "chroot" },
      });
      return stdout;
    };
    await buildah("bud", "--quiet", "--network", "host", "-t", "made", ".");
    const container = await buildah("from", "made");
    const root = await buildah("mount", container);
    const { OCIv1 } = JSON.parse(await buildah("inspect", "made")) as {
      OCIv1: {
        config: { Env: string[]; Entrypoint: string[]; Labels: Record<string, string> };
      };
    };
    const { config } = OCIv1;

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

/** What the definition says: not what every image of a program has. */
function relevant(tree: TreeList): TreeList {
  const own =
    /^(?:|set-up|\.tsbuild.*|\.singularity\.d.*|\.exec|\.run|\.shell|\.test|singularity|environment|dev.*|proc|root|run.*|sys|tmp|var.*|home|etc|etc\/(?:hosts|hostname|resolv\.conf))$/;
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !own.test(path)));
}
