// An image with a file of each kind that an overlay could get wrong, and builds that start from it.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { tsbuild, type CliRun } from "./build.ts";
import { makeBusyboxRoot } from "./busybox-root.ts";
import { compareTrees, describeDifferences } from "./compare-trees.ts";
import { listImage } from "./list-image.ts";
import { image, layer, layoutFiles, writeFiles } from "./oci-image.ts";
import type { PlainUser } from "./plain-user.ts";
import { scratch } from "./scratch.ts";
import { archive, entry, header, pax } from "./tar.ts";

const old = 1_600_000_000;
const file = (name: string, text: string, more: object = {}) =>
  entry({ name, mtime: old, ...more }, text);
const folder = (name: string, more: object = {}) =>
  header({ name: `${name}/`, type: "5", mode: 0o755, mtime: old, ...more });
/** CAP_NET_RAW, permitted and effective (capabilities(7)). */
const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** What scripts change, and what they leave. */
const data = archive(
  folder("data"),
  file("data/kept", "kept\n", { uid: 7, gid: 8 }),
  file("data/gone", "gone\n"),
  folder("data/gone-folder"),
  file("data/gone-folder/below", "x\n"),
  folder("data/replaced", { mode: 0o750 }),
  file("data/replaced/old", "old\n"),
  folder("data/moved"),
  folder("data/moved/deep"),
  file("data/moved/deep/file", "deep\n"),
  file("data/moved/other", "other\n"),
  folder("data/untouched", { uid: 9, gid: 9, mode: 0o2755 }),
  file("data/untouched/file", "untouched\n"),
  file("data/one", "one\n"),
  header({ name: "data/two", type: "1", linkName: "data/one", mtime: old }),
  file("data/three", "three\n"),
  header({ name: "data/four", type: "1", linkName: "data/three", mtime: old }),
  file("data/linked", "linked\n"),
  file("data/mode", "mode\n"),
  file("data/owner", "owner\n"),
  file("data/moved-file", "moved\n"),
  file("data/to-folder", "x\n"),
  folder("data/to-file"),
  file("data/to-file/below", "x\n"),
  file("data/closed", "closed\n", { mode: 0o000 }),
  header({ name: "data/null", type: "3", major: 1, minor: 3, mode: 0o666, mtime: old }),
  file("data/far", "far\n", { uid: 100_000, gid: 100_001 }),
  pax([
    ["SCHILY.xattr.security.capability", capability],
    ["SCHILY.xattr.user.mark", "mark"],
  ]),
  file("data/capable", "#!/bin/sh\n", { mode: 0o755 }),
);

async function makeImage(place: string): Promise<void> {
  const root = join(place, "root");
  mkdirSync(root);
  makeBusyboxRoot(root);
  chmodSync(join(root, "tmp"), 0o1777);
  const words = ["--numeric-owner", "--owner=0", "--group=0", "--mtime=@1500000000", "-C", root];
  const { stdout } = await execa("tar", ["-cf", "-", ...words, "."], {
    encoding: "buffer",
    maxBuffer: 1 << 28,
  });
  const made = image([layer(Buffer.from(stdout)), layer(data)], { tag: "base" });
  await writeFiles(join(place, "layout"), layoutFiles([made.manifest], made.blobs));
}

/** Where builds are made, and by whom. */
export interface Place {
  readonly folder: string;
  readonly user: PlainUser | undefined;
  readonly cache: string;
  /** Where temporary folders are made. */
  readonly temporary: string;
  /** Shell text that runs before the program, in the same process. */
  readonly before?: string;
}

/** Makes the image in a new folder of a user's. */
export async function place(t: ExecutionContext, user?: PlainUser): Promise<Place> {
  const folder = await scratch(t, user?.folder);
  await makeImage(folder);
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  return { folder, user, cache: join(folder, "cache"), temporary: folder };
}

/** Builds NAME.sif from the image and what comes after its header. */
export async function build(
  { folder: cwd, user, cache, temporary, before }: Place,
  name: string,
  definition: string,
  words: readonly string[] = [],
): Promise<CliRun> {
  writeFileSync(
    join(cwd, `${name}.def`),
    `Bootstrap: oci\nFrom: ${join(cwd, "layout")}:base\n${definition}`,
  );
  return tsbuild(
    ["build", "--compress=fast", "--progress=plain", ...words, `${name}.sif`, `${name}.def`],
    {
      cwd,
      ...(user === undefined ? {} : { user }),
      ...(before === undefined ? {} : { before }),
      env: { TMPDIR: temporary, TSBUILD_CACHEDIR: cache, SOURCE_DATE_EPOCH: "1700000000" },
    },
  );
}

/** In what two images differ, but for times that the builds of this test have given. */
export async function differences(a: string, b: string, sinceSeconds: number): Promise<string> {
  const isNew = (value: unknown) => typeof value === "number" && value >= sinceSeconds;
  return describeDifferences(
    compareTrees(await listImage(a), await listImage(b), [
      {
        why: "scripts ran at different times",
        allows: ({ what, ours, theirs }) => what === "mtimeSeconds" && isNew(ours) && isNew(theirs),
      },
    ]),
  );
}
