// A sandbox and back: what is built as a folder, changed there and packed is what Apptainer runs, owners included.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { tsbuild } from "../helpers/build.ts";
import { listImage } from "../helpers/list-image.ts";
import { plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";

const definition = `Bootstrap: scratch

%files
    /bin/busybox /bin/busybox
    /bin/busybox /bin/sh

%post
    /bin/busybox --install -s /bin
    mkdir /srv/
    echo first >/srv/file
    chown 12:34 /srv/file
    chmod 4755 /srv/file
    ln /srv/file /srv/again

%runscript
    cat /srv/file /srv/more
`;

const more = `Bootstrap: scratch

%post
    echo more >/srv/more
    chown 56 /srv/more
`;

const builders: readonly (readonly [name: string, user: () => PlainUser | undefined])[] = [
  ["root", () => undefined],
  ["a plain user", () => plainUser("with ranges")],
];

for (const [name, user] of builders) {
  apptainerTest(`${name} makes a sandbox, changes it and packs it`, async (t) => {
    t.timeout(300_000);
    const builder = user();
    const cwd = await scratch(t, builder?.folder);
    writeFileSync(join(cwd, "app.def"), definition);
    writeFileSync(join(cwd, "more.def"), more);
    if (builder !== undefined) await execa("chown", ["-R", `${builder.uid}:${builder.gid}`, cwd]);
    for (const words of [
      ["build", "--sandbox", "box", "app.def"],
      ["build", "--sandbox", "--update", "box", "more.def"],
      ["build", "app.sif", "box"],
    ]) {
      const run = await tsbuild(words, {
        cwd,
        ...(builder === undefined ? {} : { user: builder }),
        env: { TMPDIR: cwd, TSBUILD_CACHEDIR: join(cwd, "cache") },
      });
      t.is(run.exitCode, 0, `${words.join(" ")}\n${run.stderr}`);
    }
    const tree = await listImage(join(cwd, "app.sif"));
    const file = tree["srv/file"];
    t.deepEqual([file?.uid, file?.gid, file?.mode], [12, 34, "4755"]);
    t.deepEqual(file?.names, ["srv/again", "srv/file"]);
    t.is(tree["srv/more"]?.uid, 56);
    t.is(tree["bin/cat"]?.target, "/bin/busybox");

    for (const image of name === "root" ? ["app.sif", "box"] : ["app.sif"]) {
      const run = await apptainer(["run", image], { cwd });
      t.is(run.stdout, "first\nmore\n", run.stderr);
    }
  });
}
