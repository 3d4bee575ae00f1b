// `tsbuild inspect` prints what `apptainer inspect` prints, character for character, of an image that Apptainer built.

import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../src/cli/run.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { scratch } from "../helpers/scratch.ts";

const definition = `Bootstrap: localimage
From: base

%post
    echo 'Posted <v>&' >> $APPTAINER_LABELS
    echo 'export P="é €"' >> $APPTAINER_ENVIRONMENT

%labels
    Own x y

%environment
    export A='<&>'

%runscript
    echo run

%startscript
    echo start

%test
    echo test

%help
    He said "hi"

%apprun foo
    echo foo

%appenv foo
    export X=1

%applabels foo
    L m

%apphelp foo
    help of foo

%apprun bar-x
    echo bar
`;

const options = [
  "",
  "--helpfile --runscript --startscript --test --environment --labels --deffile",
  "-e",
  "-r -l",
  "--app foo",
  "--app foo -r",
  "--app foo -e -H",
  "--json",
  "--json -r -e",
  "--json -d -H -t -s",
  "--json --app foo -r",
  "--all",
  "--all --app bar-x",
  "--list-apps",
];

apptainerTest("inspect prints what Apptainer's inspect prints", async (t) => {
  const folder = await scratch(t);
  mkdirSync(join(folder, "base/bin"), { recursive: true });
  copyFileSync("/usr/bin/busybox", join(folder, "base/bin/busybox"));
  for (const name of ["sh", "echo"]) symlinkSync("busybox", join(folder, "base/bin", name));
  writeFileSync(join(folder, "image.def"), definition);
  const built = await apptainer(["build", "image.sif", "image.def"], { cwd: folder });
  t.is(built.exitCode, 0, built.stderr);
  for (const option of options) {
    const words = ["inspect", ...option.split(" ").filter((word) => word !== ""), "image.sif"];
    let stdout = "";
    const exitCode = await run(words, {
      stdout: { write: (text) => (stdout += Buffer.from(text).toString("utf8")) },
      stderr: { write: () => {} },
      environment: {},
      folder,
    });
    const theirs = await apptainer(words, { cwd: folder });
    t.is(stdout, theirs.stdout, option);
    t.is(theirs.exitCode, exitCode, option);
  }
});
