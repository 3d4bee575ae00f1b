// The same inputs give the same bytes, whoever builds, where and when.

import { createHash } from "node:crypto";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { tsbuild } from "../helpers/build.ts";
import { serveImages } from "../helpers/images.ts";
import { imagesTest } from "../helpers/images-test.ts";
import { plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";

const hash = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

interface Circumstances {
  readonly user?: PlainUser;
  readonly env?: Readonly<Record<string, string>>;
  readonly before?: string;
  readonly options?: readonly string[];
}

async function buildIn(
  t: ExecutionContext,
  host: string,
  { user, env, before, options = [] }: Circumstances,
): Promise<string> {
  const folder = await scratch(t, user?.folder);
  await mkdir(join(folder, "tree/below"), { recursive: true });
  writeFileSync(join(folder, "tree/a.txt"), "a\n");
  writeFileSync(join(folder, "tree/below/b.bin"), Buffer.alloc(300_000, "b"));
  writeFileSync(
    join(folder, "app.def"),
    `Bootstrap: docker
From: ${host}/odd

%files
    tree /opt/tree

%environment
    export A=b

%labels
    Version 1

%help
    Help.

%runscript
    exec "$@"
`,
  );
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  const old = new Date("2024-02-03T04:05:06Z");
  for (const path of ["tree/a.txt", "tree/below/b.bin", "tree/below", "tree"]) {
    utimesSync(join(folder, path), old, old);
  }
  const run = await tsbuild(["build", ...options, "app.sif", "app.def"], {
    cwd: folder,
    ...(user === undefined ? {} : { user }),
    ...(before === undefined ? {} : { before }),
    env: { TMPDIR: folder, TSBUILD_CACHEDIR: join(folder, "cache"), ...env },
  });
  t.is(run.exitCode, 0, run.stderr);
  return hash(join(folder, "app.sif"));
}

const epoch = { SOURCE_DATE_EPOCH: "1700000000" };

imagesTest("two builds with SOURCE_DATE_EPOCH are equal to the byte", async (t) => {
  t.timeout(300_000);
  await using server = await serveImages();
  const first = await buildIn(t, server.host, { env: epoch });
  t.is(await buildIn(t, server.host, { env: epoch }), first, "once more, in another folder");
  t.is(
    await buildIn(t, server.host, {
      env: { ...epoch, TZ: "Pacific/Kiritimati", LANG: "de_DE.UTF-8", HOSTNAME: "elsewhere" },
      before: "umask 077",
    }),
    first,
    "in another time zone, language and umask",
  );
  t.is(
    await buildIn(t, server.host, { env: epoch, options: ["--jobs", "1"] }),
    first,
    "on one core",
  );
  t.is(
    await buildIn(t, server.host, { options: ["--timestamp", "1700000000"] }),
    first,
    "with the time as an option",
  );
  t.not(
    await buildIn(t, server.host, { env: { SOURCE_DATE_EPOCH: "1700000001" } }),
    first,
    "another time gives another image",
  );
});

imagesTest("a plain user's build is root's to the byte", async (t) => {
  t.timeout(300_000);
  await using server = await serveImages();
  const byRoot = await buildIn(t, server.host, { env: epoch });
  const user = plainUser("without ranges");
  t.is(await buildIn(t, server.host, { env: epoch, user, before: "umask 002" }), byRoot);
});
