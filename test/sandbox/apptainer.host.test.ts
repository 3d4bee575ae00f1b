import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { makeBusyboxRoot } from "../helpers/busybox-root.ts";
import { scratch } from "../helpers/scratch.ts";

const show = `env | sort; umask; pwd; echo "$(basename $0) $-"; id; readlink /proc/self/fd/0`;

/** What is the same in each run of either program, or is not a script's business. */
function normal(output: string): string[] {
  return output
    .split("\n")
    .map((line) => line.replaceAll(/\/\S+\/rootfs/g, "ROOTFS").replace(/^\/tmp\/\S+$/, "FOLDER"))
    .filter(
      (line) =>
        // Which program's own settings come through, and what the shells around them count, differs.
        !/^(?:_|_CONTAINERS_ROOTLESS_UID|USER_PATH|OLDPWD|SHLVL|TMPDIR|APPTAINER_CACHEDIR|PATH|JUDGE_\w+|HOME)=/.test(
          line,
        ),
    );
}

apptainerTest(
  "scripts see what they see under Apptainer: environment, umask, folder, options, ids",
  async (t) => {
    const folder = await scratch(t);
    const base = join(folder, "base");
    mkdirSync(base);
    makeBusyboxRoot(base);
    writeFileSync(
      join(base, ".singularity.d/env/90-environment.sh"),
      "export SET=image\nexport HOSTVAR2=${HOSTVAR2:-image}\n",
    );
    const definition = join(folder, "test.def");
    const sections = ["setup", "post", "test"].map(
      (name) => `%${name}\n    echo "= ${name}"; ${show}\n`,
    );
    writeFileSync(definition, `Bootstrap: localimage\nFrom: ${base}\n\n${sections.join("")}`);
    const env = {
      HOSTVAR: "a b",
      HOSTVAR2: "host",
      SET: "host",
      APPTAINERENV_GIVEN: "given value",
      APPTAINERENV_HOSTVAR: "given",
      https_proxy: "http://proxy:1",
      TERM: "vt100",
    };
    const theirs = await apptainer(["build", "--sandbox", join(folder, "theirs"), definition], {
      cwd: folder,
      env,
    });
    t.is(theirs.exitCode, 0, theirs.stderr);
    const ours = spawnSync(
      process.execPath,
      [
        "--no-warnings",
        resolve("src/main.ts"),
        "build",
        "--sandbox",
        join(folder, "ours"),
        definition,
      ],
      {
        cwd: folder,
        env: {
          PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          TMPDIR: folder,
          ...env,
        },
        encoding: "utf8",
      },
    );
    t.is(ours.status, 0, ours.stderr);
    t.deepEqual(normal(ours.stdout), normal(theirs.stdout));
    t.true(ours.stdout.includes("SET=image"));
  },
);
