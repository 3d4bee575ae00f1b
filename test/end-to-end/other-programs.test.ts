// Where SingularityCE 4.5 and Apptainer 1.5 and 1.6 differ from Apptainer 1.4.5, whose meaning is ours, and what Apptainer
// 1.4.5 was seen to make of SIF files. Each case has the name that the collection of all cases gives it.

import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { elfFile } from "../helpers/elf.ts";
import { image, layer, layoutFiles, writeFiles } from "../helpers/oci-image.ts";
import { runCli, type CliResult } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { archive, entry } from "../helpers/tar.ts";

interface Built extends CliResult {
  readonly folder: string;
  readonly read: (path: string) => string;
}

async function build(
  t: ExecutionContext,
  definition: string,
  words: readonly string[] = [],
  folder?: string,
): Promise<Built> {
  const here = folder ?? (await scratch(t));
  writeFileSync(join(here, "d.def"), definition);
  writeFileSync(join(here, "a.txt"), "a");
  const result = await runCli(["build", "--sandbox", ...words, "out", "d.def"], here, {
    TSBUILD_CACHEDIR: join(here, "cache"),
  });
  return { ...result, folder: here, read: (path) => readFileSync(join(here, "out", path), "utf8") };
}

const help = ".singularity.d/runscript.help";

test.serial("src-ce-arg-empty-value: an argument may be empty", async (t) => {
  const built = await build(t, "Bootstrap: scratch\n%help\n[{{ v }}]\n", ["--build-arg", "v="]);
  t.is(built.exitCode, 0);
  t.regex(built.read(help), /^\[\]/);
});

test.serial(
  "src-ce-arg-unused-is-warning: an argument that nothing uses is an error",
  async (t) => {
    const built = await build(t, "Bootstrap: scratch\n%help\nx\n", ["--build-arg", "v=1"]);
    t.is(built.error?.code, "definition/unused-argument");
  },
);

test.serial("src-ce-arg-comment-not-special: a comment keeps its braces", async (t) => {
  const built = await build(t, "Bootstrap: scratch\n%arguments\nv=1\n%help\n# {{ v }}\n");
  t.is(built.exitCode, 0);
  t.regex(built.read(help), /^# \{\{ v \}\}/);
});

test.serial("src-ce-arg-no-nesting: an argument's value may hold another argument", async (t) => {
  const built = await build(
    t,
    "Bootstrap: scratch\n%arguments\na=1\nb=x{{ a }}x\n%help\n[{{ b }}]\n",
  );
  t.is(built.exitCode, 0);
  t.regex(built.read(help), /^\[x1x\]/);
});

test.serial("src-ce-files-no-brace: braces are names of several files", async (t) => {
  const built = await build(t, "Bootstrap: scratch\n%files\n{a,b}.txt /opt/\n");
  t.is(built.error?.code, "files/missing");
  t.regex(built.error?.message ?? "", /b\.txt/);
});

test.serial(
  "src-ce-files-junk-arg-is-host-copy: a section with one word copies nothing, and says so",
  async (t) => {
    const built = await build(t, "Bootstrap: scratch\n%files foo\na.txt /opt/s\n");
    t.is(built.exitCode, 0);
    t.regex(built.stderr, /nothing of this section is copied/);
    t.throws(() => built.read("opt/s"));
  },
);

test.serial("src-ce-files-stage-word: two words name a stage, whatever the first is", async (t) => {
  const built = await build(
    t,
    "Bootstrap: scratch\nStage: a\n\nBootstrap: scratch\n%files stage a\n/a.txt /opt/s\n",
  );
  t.is(built.error?.code, "files/missing");
  t.regex(built.error?.message ?? "", /from the stage/);
});

test.serial("src-ce-header-confurl: ConfURL is a keyword", async (t) => {
  t.is((await build(t, "Bootstrap: scratch\nConfURL: x\n")).exitCode, 0);
});

test.serial(
  "src-ce-history-name: the history of a base is called as Apptainer calls it",
  async (t) => {
    const first = await build(t, "Bootstrap: scratch\n%help\nx\n");
    const { folder } = first;
    t.is((await runCli(["build", "prev", "out"], folder)).exitCode, 0);
    const built = await build(
      t,
      "Bootstrap: localimage\nFrom: prev\n%help\ny\n",
      ["--force"],
      folder,
    );
    t.is(built.exitCode, 0);
    t.regex(built.read(".singularity.d/bootstrap_history/Apptainer0"), /^Bootstrap: scratch/i);
  },
);

test.serial("src-16-headers-buildkit: agents that we don't have are refused by name", async (t) => {
  const built = await build(t, "Bootstrap: buildkit\nFrom: ctx\nTarget: t\n");
  t.is(built.exitCode, 3);
  t.is(built.error?.code, "definition/unknown-keyword");
  t.regex(built.error?.hint ?? "", /buildkit and dockerfile of Apptainer 1\.5/);
});

test.serial("src-16-labels: two labels of 1.6 are there already", async (t) => {
  const built = await build(t, "Bootstrap: scratch\n");
  const labels = Object.keys(JSON.parse(built.read(".singularity.d/labels.json")) as object);
  t.true(labels.includes("org.opencontainers.image.created"));
  t.true(labels.includes("org.opencontainers.image.architecture"));
});

test.serial(
  "src-16-files-no-command-substitution: no command is run for a file's name",
  async (t) => {
    const built = await build(t, "Bootstrap: scratch\n%files\n`echo a`.txt /opt/\n");
    t.is(built.error?.code, "files/expand");
  },
);

/** Type, group and link of each object, as `sif list` shows them. */
async function objects(folder: string, file: string): Promise<string[]> {
  const { stdout } = await runCli(["sif", "list", file], folder);
  return stdout
    .split("\n")
    .filter((line) => /^\d/.test(line))
    .map((line) => {
      const [id, group, link, , type] = line.split("|").map((cell) => cell.trim());
      return `${id} ${group} ${link} ${type}`;
    });
}

test.serial("man-sif-descriptors: definition, metadata and the root file system", async (t) => {
  const folder = await scratch(t);
  writeFileSync(join(folder, "d.def"), "Bootstrap: scratch\n");
  t.is((await runCli(["build", "a.sif", "d.def"], folder)).exitCode, 0);
  t.deepEqual(await objects(folder, "a.sif"), [
    "1 1 NONE Def.FILE",
    "2 1 NONE JSON.Generic",
    "3 1 NONE FS (Squashfs/*System/amd64)",
  ]);
  const bytes = readFileSync(join(folder, "a.sif"));
  t.is(bytes.toString("latin1", 0, 32), "#!/usr/bin/env run-singularity\n\0");
  t.is(bytes.toString("latin1", 32, 44), "SIF_MAGIC\u000001\0".slice(0, 12));
});

async function layoutWith(folder: string, machine: number): Promise<void> {
  const shell = elfFile({ machine });
  const tar = archive(entry({ name: "bin/sh", mode: 0o755 }, shell));
  const { manifest, blobs } = image([layer(tar)]);
  await writeFiles(join(folder, "img"), layoutFiles([manifest], blobs));
}

test.serial(
  "man-sif-descriptors-oci: the configuration of the base comes before the root file system",
  async (t) => {
    const folder = await scratch(t);
    await layoutWith(folder, 62);
    writeFileSync(join(folder, "d.def"), "Bootstrap: oci\nFrom: img\n");
    const result = await runCli(["build", "a.sif", "d.def"], folder, {
      TSBUILD_CACHEDIR: join(folder, "cache"),
    });
    t.is(result.exitCode, 0, result.stderr);
    t.deepEqual(await objects(folder, "a.sif"), [
      "1 1 NONE Def.FILE",
      "2 1 NONE JSON.Generic",
      "3 1 NONE JSON.Generic",
      "4 1 NONE FS (Squashfs/*System/amd64)",
    ]);
  },
);

test.serial(
  "man-sif-arch-from-elf: programs say what an image is for, and --arch what was wanted",
  async (t) => {
    const folder = await scratch(t);
    mkdirSync(join(folder, "base/bin"), { recursive: true });
    writeFileSync(join(folder, "base/bin/sh"), elfFile({ machine: 62 }));
    chmodSync(join(folder, "base/bin/sh"), 0o755);
    mkdirSync(join(folder, "base/.singularity.d"));
    writeFileSync(join(folder, "d.def"), "Bootstrap: localimage\nFrom: base\n");
    const result = await runCli(["build", "--arch", "arm64", "a.sif", "d.def"], folder);
    t.is(result.exitCode, 0, result.stderr);
    t.regex(result.stderr, /the programs in the image are for amd64, not for arm64/);
    t.is((await objects(folder, "a.sif")).at(-1), "3 1 NONE FS (Squashfs/*System/amd64)");
    const inspected = await runCli(["inspect", "--json", "a.sif"], folder);
    t.regex(inspected.stdout, /"org\.label-schema\.build-arch": "arm64"/);
  },
);

test.serial(
  "man-sif-umask: an image may be read as the umask says, its root by everybody",
  async (t) => {
    const folder = await scratch(t);
    writeFileSync(join(folder, "d.def"), "Bootstrap: scratch\n");
    const program = new URL("../../bin/tsbuild.cjs", import.meta.url).pathname;
    for (const [umask, mode] of [
      ["077", 0o700],
      ["022", 0o755],
    ] as const) {
      await execa(
        "sh",
        [
          "-ec",
          'umask "$1"; "$2" "$3" build --force a.sif d.def; "$2" "$3" build --force --sandbox box d.def',
          "sh",
          umask,
          process.execPath,
          program,
        ],
        { cwd: folder },
      );
      t.is(statSync(join(folder, "a.sif")).mode & 0o777, mode);
      t.is(statSync(join(folder, "box")).mode & 0o777, 0o755);
    }
  },
);
