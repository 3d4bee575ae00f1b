// What Dockerfiles make, built: a definition is right when its image holds what Docker's would.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";
import { tsbuild } from "../helpers/build.ts";
import { runCli } from "../helpers/run-cli.ts";
import { hostTest } from "../helpers/tool.ts";

const busybox = "/bin/busybox";
const canBuild = process.getuid?.() === 0 && existsSync(busybox);

/** Converts and builds in a folder with busybox' root file system and the given files. */
async function built(
  t: ExecutionContext,
  dockerfile: string,
  files: Record<string, string>,
  args: readonly string[] = [],
) {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  mkdirSync(join(folder, "root/bin"), { recursive: true });
  mkdirSync(join(folder, "root/etc"));
  copyFileSync(busybox, join(folder, "root/bin/busybox"));
  symlinkSync("busybox", join(folder, "root/bin/sh"));
  writeFileSync(join(folder, "root/etc/passwd"), "root:x:0:0::/:/bin/sh\nsome:x:7:8::/:/bin/sh\n");
  writeFileSync(join(folder, "root/etc/group"), "root:x:0:\n");
  execFileSync("tar", ["-cf", "root.tar", "-C", "root", "."], { cwd: folder });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, "Dockerfile"), dockerfile);
  const converted = await runCli(["convert", "Dockerfile", "-o", "made.def"], folder);
  t.is(converted.exitCode, 0, converted.stderr);
  t.is(converted.stdout, "");
  const made = await tsbuild(["build", "--sandbox", ...args, "image", "made.def"], { cwd: folder });
  t.is(made.exitCode, 0, made.stderr);
  const at = (path: string) => join(folder, "image", path);
  return {
    read: (path: string) => readFileSync(at(path), "utf8"),
    has: (path: string) => existsSync(at(path)),
    stat: (path: string) => statSync(at(path)),
    /** Runs the runscript in the image. */
    run: (...words: string[]) =>
      execFileSync("chroot", [at(""), "/.singularity.d/runscript", ...words], {
        encoding: "utf8",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      }),
  };
}

const base = `FROM scratch AS base
ADD root.tar /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
`;

hostTest(
  "root, busybox",
  canBuild,
  "copies and commands take effect in the order of the Dockerfile",
  async (t) => {
    const image = await built(
      t,
      `${base}
WORKDIR /app
COPY one.txt a.txt ./
RUN cat one.txt > seen && echo changed > one.txt
COPY one.txt /kept/
RUN rm /kept/one.txt; false || true
COPY folder /kept
COPY folder /new
COPY --chown=some --chmod=640 one.txt /owned
COPY <<EOT /doc.txt
  it's $text
EOT
RUN cd / && x=1
RUN echo "[$x]" $(pwd) >where; umask >>where
RUN false && true; echo on >went-on
RUN cat <<A >both; cat <<'B' >>both
first
A
%second $x
B
`,
      { "one.txt": "one\n", "a.txt": "a\n", "folder/sub/x": "x\n", "folder/.dot": "d\n" },
    );
    t.is(image.read("app/seen"), "one\n");
    t.is(image.read("app/one.txt"), "changed\n");
    t.is(image.read("app/a.txt"), "a\n");
    t.false(image.has("kept/one.txt"));
    t.is(image.read("kept/sub/x"), "x\n");
    t.is(image.read("new/.dot"), "d\n");
    t.false(image.has("new/folder"));
    t.is(image.stat("owned").uid, 7);
    t.is(image.stat("owned").gid, 7);
    t.is(image.stat("owned").mode & 0o777, 0o640);
    t.is(image.read("doc.txt"), "  it's $text\n");
    t.is(image.read("app/where"), "[] /app\n0022\n");
    t.is(image.read("app/went-on"), "on\n");
    t.is(image.read("app/both"), "first\n%second $x\n");
    t.false(image.has(".tsbuild-copy"));
  },
);

hostTest(
  "root, busybox",
  canBuild,
  "variables, stages and the runscript do what Docker's do",
  async (t) => {
    const image = await built(
      t,
      `ARG SHARED=global
${base}ENV A=1 PATH=/bin
ENV A=2 B="$A {{ x }} \\"q\\""
FROM base AS work
ARG SHARED
ARG GIVEN=default
ARG NONE
ENV FROM_ARG=\${GIVEN:-x}-$SHARED
RUN echo "$SHARED $GIVEN \${NONE-unset} $B" >/out
FROM base
COPY --from=work /out /result
COPY --from=1 out /dir/
ARG GIVEN=other
ENV LATER="<\${GIVEN}>"
WORKDIR /dir
ENTRYPOINT ["echo", "it's", "{{ y }}"]
CMD ["$A", "%x"]
`,
      {},
      ["--build-arg", "GIVEN=mine"],
    );
    t.is(image.read("result"), 'global mine unset 1 {{ x }} "q"\n');
    t.is(image.read("dir/out"), image.read("result"));
    t.is(image.run(), "it's {{ y }} $A %x\n");
    t.is(image.run("a  b", "$HOME"), "it's {{ y }} a  b $HOME\n");
    const shown = execFileSync("/bin/sh", ["-s"], {
      input: `${image.read(".singularity.d/env/90-environment.sh")}
        echo "$A|$B|$LATER|\${arg_GIVEN-none}"`,
      encoding: "utf8",
    });
    t.is(shown, '2|1 {{ x }} "q"|<mine>|none\n');
  },
);

hostTest(
  "root, busybox",
  canBuild,
  "what is copied to /tmp is there for the commands, and for the stages that copy from it",
  async (t) => {
    const image = await built(
      t,
      `${base}
RUN mkdir -p /tmp /var/tmp
FROM base AS make
COPY list.txt /tmp/
WORKDIR /var/tmp
COPY list.txt other.txt
RUN cat /tmp/list.txt other.txt >/tmp/both.txt && mkdir sub && echo x >sub/x
FROM base
COPY --from=make /tmp/both.txt /both.txt
COPY --from=make /var/tmp/sub /sub
COPY --chown=7:8 list.txt /made/by/copy/
COPY --chown=some folder /other/place
COPY folder /plain/place
`,
      { "list.txt": "one\n", "folder/sub/x": "x\n" },
    );
    t.is(image.read("both.txt"), "one\none\n");
    t.is(image.read("sub/x"), "x\n");
    // Folders that COPY makes belong to the owner too.
    for (const path of ["made", "made/by", "made/by/copy", "made/by/copy/list.txt"]) {
      t.deepEqual([image.stat(path).uid, image.stat(path).gid], [7, 8], path);
    }
    for (const path of ["other", "other/place", "other/place/sub/x"]) {
      t.deepEqual([image.stat(path).uid, image.stat(path).gid], [7, 7], path);
    }
    t.is(image.stat("plain").uid, 0);
    t.is(image.stat("plain/place").mode & 0o777, 0o755);
  },
);

hostTest("root, busybox", canBuild, "a command that fails ends the build", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  mkdirSync(join(folder, "bin"));
  copyFileSync(busybox, join(folder, "bin/busybox"));
  copyFileSync(busybox, join(folder, "bin/sh"));
  writeFileSync(
    join(folder, "Dockerfile"),
    "FROM scratch\nCOPY bin/ /bin/\nRUN /bin/busybox false && true\nRUN /bin/busybox touch /no\n",
  );
  await runCli(["convert", "Dockerfile", "-o", "made.def"], folder);
  const made = await tsbuild(["build", "--sandbox", "image", "made.def"], { cwd: folder });
  t.is(made.exitCode, 5, made.stderr);
});
