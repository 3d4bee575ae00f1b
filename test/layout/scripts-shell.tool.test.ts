// The scripts under /.singularity.d, run by real shells in a copy of the image whose paths lead into a folder.

import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { appInstallScript, writeApps } from "../../src/layout/apps.ts";
import { applyBaseLayout } from "../../src/layout/base-layout.ts";
import type { App } from "../../src/model/plan.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { relocated, writeTree } from "../helpers/literal-tree.ts";
import { runShell, shells } from "../helpers/shells.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

function app(name: string, parts: App["parts"]): App {
  const location = { file: "d.def", line: 1, column: 1, length: 1 };
  return { name, parts, installLines: [], files: [], location };
}

const apps = [
  app("foo", {
    env: 'export APPVAR="from $SCIF_APPNAME"\n',
    run: 'echo "run $SCIF_APPNAME $APPVAR $*"\n',
    test: "echo app test\n",
    start: "echo app start\n",
  }),
  app("it's odd", { run: 'echo "odd $SCIF_APPROOT"\n' }),
  app("bare", {}),
];

/** An image in a folder; `at` gives the host's name of one of its paths. */
async function image(t: ExecutionContext) {
  const tree = new FileTree();
  const context = { timeSeconds: 1 };
  applyBaseLayout(tree, { ...context, overwrite: true });
  writeApps(tree, apps, context);
  const folder = await scratch(t);
  writeTree(tree, folder, relocated);
  return { folder, at: (path: string) => join(folder, path) };
}

const script = (file: string, text: string) => {
  writeFileSync(file, `#!/bin/sh\n${text}`);
  chmodSync(file, 0o755);
};

const source = (at: (path: string) => string, file: string, then: string) => [
  "-c",
  `. ${at(`.singularity.d/env/${file}`)}\n${then}`,
];

for (const [name, command] of shells) {
  toolTest([name], "95-apps.sh does nothing without an app", async (t) => {
    const { at } = await image(t);
    const ran = runShell(command, source(at, "95-apps.sh", 'echo "$PATH|$SCIF_APPS"'), {
      PATH: "/bin",
    });
    t.is(ran.stdout + ran.stderr, "/bin|\n");
  });

  toolTest([name], "95-apps.sh sets up an app", async (t) => {
    const { at } = await image(t);
    const show =
      'echo "$SCIF_APPS $SCIF_APPROOT"; echo "$PATH"; echo "$LD_LIBRARY_PATH"; echo "$APPVAR"; echo "$SCIF_APPINPUT"';
    const ran = runShell(command, source(at, "95-apps.sh", show), {
      PATH: "/bin",
      LD_LIBRARY_PATH: "/l",
      SINGULARITY_APPNAME: "foo",
    });
    const root = at("/scif/apps/foo");
    t.is(ran.stderr, "");
    t.deepEqual(ran.stdout.split("\n").slice(0, -1), [
      `${at("/scif/apps")} ${root}`,
      `${root}/bin:${root}:/bin`,
      `${root}/lib:/l`,
      "from foo",
      at("/scif/data/foo/input"),
    ]);
  });

  toolTest(
    [name],
    "95-apps.sh leaves out an app's bin and lib when they are not there",
    async (t) => {
      const { at } = await image(t);
      rmSync(at("scif/apps/foo/bin"), { recursive: true });
      rmSync(at("scif/apps/foo/lib"), { recursive: true });
      const ran = runShell(
        command,
        source(at, "95-apps.sh", 'echo "$PATH|${LD_LIBRARY_PATH-unset}"'),
        {
          PATH: "/bin",
          SINGULARITY_APPNAME: "foo",
        },
      );
      t.is(ran.stdout, `${at("/scif/apps/foo")}:/bin|unset\n`);
    },
  );

  toolTest([name], "95-apps.sh ends the start for an app that is not there", async (t) => {
    const { at } = await image(t);
    const ran = runShell(command, source(at, "95-apps.sh", "echo still here"), {
      SINGULARITY_APPNAME: "nope",
    });
    t.is(ran.status, 1);
    t.is(ran.stdout, "Could not locate the container application: nope\n");
  });

  toolTest([name], "99-base.sh sets prompt and libraries", async (t) => {
    const { at } = await image(t);
    const libs = at("/.singularity.d/libs");
    const show = 'echo "$PS1|$LD_LIBRARY_PATH"; env | grep -c -e "^PS1=" -e "^LD_LIBRARY_PATH="';
    const fresh = runShell(command, source(at, "99-base.sh", show), { PS1: "" });
    t.is(fresh.stdout, `Apptainer> |${libs}\n2\n`);
    // bash takes PS1 out of the environment when nobody sits before it, so it is set here.
    const file = at(".singularity.d/env/99-base.sh");
    const words = ["-c", `PS1='me$ '; . ${file}\n${show}`];
    const set = runShell(command, words, { LD_LIBRARY_PATH: "/a" });
    t.is(set.stdout, `me$ |/a:${libs}\n2\n`);
  });

  toolTest([name], "99-runtimevars.sh does to PATH what the user asked for", async (t) => {
    const { at } = await image(t);
    const path = (environment: Record<string, string>) =>
      runShell(
        command,
        source(
          at,
          "99-runtimevars.sh",
          'echo "$PATH${SING_USER_DEFINED_PATH-}${SING_USER_DEFINED_APPEND_PATH-}"',
        ),
        { PATH: "/bin", ...environment },
      ).stdout;
    t.is(path({}), "/bin\n");
    t.is(
      path({ SING_USER_DEFINED_PREPEND_PATH: "/a", SING_USER_DEFINED_APPEND_PATH: "/z" }),
      "/a:/bin:/z\n",
    );
    t.is(path({ SING_USER_DEFINED_PATH: "/only" }), "/only\n");
  });

  toolTest([name], "94-appsbase.sh can be sourced whatever apps are called", async (t) => {
    const { at } = await image(t);
    const ran = runShell(
      command,
      source(
        at,
        "94-appsbase.sh",
        'echo "$SCIF_APPRUN_foo"; echo "$SCIF_APPROOT_it_s_odd"; echo "${SCIF_APPRUN_bare-none}"',
      ),
    );
    t.is(ran.stderr, "");
    t.is(
      ran.stdout.replaceAll(`'"'"'`, "'"),
      `${at("/scif/apps/foo/scif/runscript")}\n${at("/scif/apps/it's odd")}\nnone\n`,
    );
  });

  const action = (
    at: (path: string) => string,
    which: string,
    words: readonly string[] = [],
    environment = {},
  ) => runShell(command, [at(`.singularity.d/actions/${which}`), ...words], environment);

  toolTest([name], "exec has the image's environment and runs its words as they are", async (t) => {
    const { at } = await image(t);
    script(at(".singularity.d/env/91-environment.sh"), "export SEEN=91\n");
    mkdirSync(at(".singularity.d/env/92-folder.sh"));
    const words = ["sh", "-c", 'echo "$SEEN $environment_script $1"', "sh", "a $b"];
    t.is(action(at, "exec", words).stdout, "91  a $b\n");
  });

  toolTest([name], "run: the runscript, an app's, or a shell", async (t) => {
    const { at } = await image(t);
    script(at(".singularity.d/runscript"), 'echo "main $*"; exit 3\n');
    const main = action(at, "run", ["a", "b"]);
    t.is(main.stdout, "main a b\n");
    t.is(main.status, 3);
    const asked = action(at, "run", ["a"], { SINGULARITY_APPNAME: "foo" });
    t.is(asked.stdout, "run foo from foo a\n");
    const bare = action(at, "run", [], { SINGULARITY_APPNAME: "bare" });
    t.is(bare.status, 1);
    t.regex(bare.stderr, /No runscript for the app bare/);
    chmodSync(at(".singularity.d/runscript"), 0o644);
    const shell = action(at, "run", ["-c", "echo shell"]);
    t.is(shell.stdout, "shell\n");
    t.regex(shell.stderr, /No runscript found/);
  });

  toolTest([name], "test: the test, an app's, or nothing, which is success", async (t) => {
    const { at } = await image(t);
    const none = action(at, "test");
    t.is(none.status, 0);
    t.is(none.stdout, "No test found in container, executing /bin/sh -c true\n");
    script(at(".singularity.d/test"), 'echo "test $*"; exit 4\n');
    const main = action(at, "test", ["x"]);
    t.is(main.stdout, "test x\n");
    t.is(main.status, 4);
    t.is(action(at, "test", [], { SINGULARITY_APPNAME: "foo" }).stdout, "app test\n");
  });

  toolTest([name], "shell: the one that was asked for, or bash", async (t) => {
    const { at } = await image(t);
    script(at("myshell"), 'echo "mine $*"\n');
    t.is(action(at, "shell", ["w"], { SINGULARITY_SHELL: at("myshell") }).stdout, "mine w\n");
    const words = ["-i", "-c", 'echo "$BASH|$PS1"'];
    const bash = action(at, "shell", words, {
      SINGULARITY_NAME: "i.sif",
      SINGULARITY_SHELL: "/nope",
    });
    t.is(bash.stdout, "/bin/bash|i.sif> \n");
  });

  toolTest(
    [name],
    "installations of apps run in their directories, one after another",
    async (t) => {
      const { at, folder } = await image(t);
      const text = appInstallScript([
        { ...app("foo", { install: 'echo "$PWD $SCIF_APPNAME"; LEAK=1\n' }), installLines: [1] },
        { ...app("it's odd", { install: 'echo "$PWD $LEAK"\n' }), installLines: [2] },
      ]).text;
      const file = join(folder, "post");
      writeFileSync(file, relocated(text, folder));
      const ran = runShell(command, ["-e", file]);
      t.is(ran.stderr, "");
      t.is(ran.stdout, `${at("/scif/apps/foo")} foo\n${at("/scif/apps/it's odd")} 1\n`);
    },
  );
}
