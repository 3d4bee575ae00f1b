import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { HostPrograms } from "../../src/source/host-programs.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { elfFile } from "../helpers/elf.ts";
import { asPlainUser, runAs } from "../helpers/run-as.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isRoot = process.getuid?.() === 0;

/** A folder with the programs in it, to be the root of others. */
async function rootWith(t: ExecutionContext, ...wanted: readonly string[]): Promise<string> {
  const tree = new FileTree();
  const programs = new HostPrograms(tree, {
    searchFolders: ["/usr/bin", "/bin"],
    timeSeconds: 0,
    onWarning: (code, message) => t.log(`${code}: ${message}`),
  });
  for (const word of wanted) programs.add(word);
  programs.addSearchFiles();
  const folder = join(await scratch(t), "root");
  await writeFolder(tree, folder);
  return folder;
}

const run = async (folder: string, ...words: readonly string[]) =>
  (
    await execa("chroot", [folder, ...words], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      extendEnv: false,
    })
  ).stdout;

hostTest("root", isRoot, "programs run in a root that holds nothing else", async (t) => {
  const folder = await rootWith(t, "/bin/sh", "ls", "cat", "env", "sort");
  t.is(await run(folder, "/bin/sh", "-c", "echo hello; exec ls -d /bin/sh"), "hello\n/bin/sh");
  t.is(
    await run(folder, "/usr/bin/env", "A=b", "sh", "-c", 'printf "b\\na\\n$A" | sort'),
    "a\nb\nb",
  );
});

hostTest(
  "root, gcc",
  isRoot && isInstalled("gcc"),
  "RPATH, RUNPATH, own sonames and symlink chains work inside as outside",
  async (t) => {
    const folder = await scratch(t);
    const script = `
      set -e
      mkdir -p app/bin app/lib app/deep etc
      echo 'int deep(void) { return 40; }' > deep.c
      echo 'int deep(void); int mid(void) { return deep() + 1; }' > mid.c
      echo 'int mid(void); int main(void) { return mid() + 1; }' > main.c
      gcc -shared -fPIC -Wl,-soname,libdeep.so.1 -o app/deep/libdeep.so.1.0 deep.c
      ln -s libdeep.so.1.0 app/deep/libdeep.so.1
      gcc -shared -fPIC -Wl,-soname,libmid.so -Wl,--enable-new-dtags -Wl,-rpath,'$ORIGIN/../deep' \
        -o app/lib/libmid.so mid.c app/deep/libdeep.so.1
      gcc -Wl,--disable-new-dtags -Wl,-rpath,'$ORIGIN/../lib' -o app/bin/main main.c \
        app/lib/libmid.so -Wl,-rpath-link,app/deep
      ln -s app/bin/main start
    `;
    await execa("sh", ["-c", script], { cwd: folder });
    const root = await rootWith(t, `${folder}/start`);
    // The loader asks /proc where the program is.
    const inRoot = 'mkdir "$1/proc"; mount -t proc proc "$1/proc"; exec chroot "$@"';
    const { exitCode } = await execa(
      "unshare",
      ["--mount", "sh", "-c", inRoot, "sh", root, `${folder}/start`],
      { reject: false },
    );
    t.is(exitCode, 42);
  },
);

hostTest(
  "root, gcc",
  isRoot && isInstalled("gcc"),
  "a library that only the cache knows is found inside too",
  async (t) => {
    const folder = await scratch(t);
    const conf = `/etc/ld.so.conf.d/tsbuild-test-${process.pid}.conf`;
    t.teardown(async () => {
      await execa("sh", ["-c", `rm -f ${conf}; ldconfig`]);
    });
    mkdirSync(join(folder, "cached"));
    writeFileSync(join(folder, "lib.c"), "int seven(void) { return 7; }");
    writeFileSync(join(folder, "main.c"), "int seven(void); int main(void) { return seven(); }");
    const script = `
      set -e
      gcc -shared -fPIC -o cached/libtsbuildseven.so lib.c
      gcc -o main main.c -Lcached -ltsbuildseven
      echo '${folder}/cached' > ${conf}
      ldconfig
    `;
    await execa("sh", ["-c", script], { cwd: folder });
    const root = await rootWith(t, `${folder}/main`);
    const { exitCode } = await execa("chroot", [root, `${folder}/main`], { reject: false });
    t.is(exitCode, 7);
  },
);

hostTest(
  "root, musl-gcc",
  isRoot && isInstalled("musl-gcc"),
  "a program for musl runs inside",
  async (t) => {
    const folder = await scratch(t);
    writeFileSync(join(folder, "main.c"), "int main(void) { return 9; }");
    await execa("musl-gcc", ["-o", "main", "main.c"], { cwd: folder });
    const root = await rootWith(t, `${folder}/main`);
    const { exitCode } = await execa("chroot", [root, `${folder}/main`], { reject: false });
    t.is(exitCode, 9);
  },
);

hostTest(
  "root, python3",
  isRoot && isInstalled("/usr/bin/python3"),
  "an interpreter runs with its modules, added as a folder",
  async (t) => {
    const { stdout } = await execa("/usr/bin/python3", [
      "-c",
      "import sys, sysconfig; print(sysconfig.get_path('stdlib'))",
    ]);
    const root = await rootWith(t, "python3", stdout);
    const text = await run(
      root,
      "/usr/bin/python3",
      "-c",
      "import json, zlib; print(json.dumps([1]))",
    );
    t.is(text, "[1]");
  },
);

hostTest("root", isRoot, "what is mounted below an included folder is left out", async (t) => {
  const folder = await scratch(t);
  mkdirSync(join(folder, "data/mounted"), { recursive: true });
  writeFileSync(join(folder, "data/own"), "x");
  await execa("mount", ["-t", "tmpfs", "none", join(folder, "data/mounted")]);
  try {
    writeFileSync(join(folder, "data/mounted/foreign"), "x");
    const root = await rootWith(t, join(folder, "data"));
    t.true(existsSync(join(root, folder, "data/own")));
    t.deepEqual(readdirSync(join(root, folder, "data/mounted")), []);
  } finally {
    await execa("umount", [join(folder, "data/mounted")]);
  }
});

hostTest(
  "root",
  isRoot,
  "a plain user is told of what is closed to him, if it was asked for",
  async (t) => {
    const folder = await scratch(t);
    for (const name of ["open", "closed", "data/closed"]) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    writeFileSync(join(folder, "closed/liba.so"), elfFile());
    writeFileSync(join(folder, "open/liba.so"), elfFile());
    writeFileSync(
      join(folder, "prog"),
      elfFile({ needed: ["liba.so"], rpath: `${folder}/closed:${folder}/open` }),
    );
    writeFileSync(join(folder, "secret"), elfFile(), { mode: 0o711 });
    chmodSync(join(folder, "secret"), 0o711);
    for (const name of ["closed", "data/closed"]) chmodSync(join(folder, name), 0o700);
    const driver = join(import.meta.dirname, "../helpers/host-driver.ts");
    const add = (name: string) =>
      runAs(asPlainUser, driver, [join(folder, name)]) as { code?: string; paths?: string[] };

    // The loader passes over folders that it can't enter.
    const { paths } = add("prog");
    t.true(paths?.includes(join(folder, "open/liba.so").slice(1)));
    t.false(paths?.some((path) => path.includes("closed")));
    for (const name of ["secret", "closed/liba.so", "data"]) {
      t.is(add(name).code, "host/file-unreadable", name);
    }
  },
);
