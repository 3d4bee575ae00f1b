import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { execa } from "execa";
import { driverBinds } from "../../src/isolation/driver-binds.ts";
import { driverNames, parseDriverList } from "../../src/isolation/driver-lists.ts";
import { checkout } from "../helpers/build.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, toolTest } from "../helpers/tool.ts";

test("a machine's list has a name a line, and remarks", (t) => {
  t.deepEqual(parseDriverList("# all\nlibcuda.so\n\n  nvidia-smi # a program\n#x\n"), [
    "libcuda.so",
    "nvidia-smi",
  ]);
});

test("the lists hold libraries by the beginning of their names", (t) => {
  for (const names of Object.values(driverNames)) {
    t.true(names.length > 10);
    t.is(new Set(names).size, names.length);
  }
});

/** A library of this machine's architecture, and one of another. */
async function makeLibraries(folder: string): Promise<void> {
  writeFileSync(join(folder, "empty.c"), "int tsbuild_test(void) { return 1; }\n");
  const make = (name: string, ...options: string[]) =>
    execa("gcc", [
      "-shared",
      "-nostdlib",
      ...options,
      "-o",
      join(folder, name),
      join(folder, "empty.c"),
    ]);
  await make("libcuda.so.999.1", "-Wl,-soname,libcuda.so.1");
  await make("libnvidia-ml.so.1", "-Wl,-soname,libnvidia-ml.so.1");
  await make("libunrelated.so.1", "-Wl,-soname,libunrelated.so.1");
}

/** Text of a shell that gives a mount namespace of its own a list of libraries that has the folder's. */
const listed = `
folder=$1; shift
echo "$folder" > "$folder/ld.so.conf"
ldconfig -C "$folder/cache" -f "$folder/ld.so.conf" 2> /dev/null
mount --bind "$folder/cache" /etc/ld.so.cache
exec "$@"
`;

const privately = (folder: string, argv: readonly string[]) =>
  execa("unshare", [
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-ec",
    listed,
    "sh",
    folder,
    ...argv,
  ]);

hostTest(
  "root, gcc",
  process.geteuid?.() === 0,
  "libraries that ldconfig lists, programs and devices are found",
  async (t) => {
    const folder = await scratch(t);
    await makeLibraries(folder);
    // Of another architecture: it only says so.
    const foreign = Buffer.alloc(64);
    foreign.write("\x7fELF", "latin1");
    foreign.set([1, 1, 1], 4);
    writeFileSync(join(folder, "libOpenCL.so.1"), foreign);
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "bin/nvidia-smi"), "#!/bin/sh\necho smi\n");
    chmodSync(join(folder, "bin/nvidia-smi"), 0o755);
    mkdirSync(join(folder, "dev"));
    for (const name of ["nvidia0", "nvidiactl", "null", "kfd"])
      writeFileSync(join(folder, "dev", name), "");
    const script = `
    import { driverBinds } from ${JSON.stringify(join(import.meta.dirname, "../../src/isolation/driver-binds.ts"))};
    const binds = await driverBinds("nv", {
      environment: { PATH: ${JSON.stringify(`${join(folder, "bin")}:/usr/sbin:/usr/bin`)} },
      deviceFolder: ${JSON.stringify(join(folder, "dev"))},
      listFile: "/nowhere",
    });
    console.log(JSON.stringify(binds));`;
    const node = [process.execPath, "--no-warnings", "--input-type=module", "-e", script];
    const { stdout } = await privately(folder, node);
    const binds = JSON.parse(stdout) as Awaited<ReturnType<typeof driverBinds>>;
    const ours = binds.filter(({ source }) => source.startsWith(folder));
    t.deepEqual(
      ours.map(({ source, destination, readOnly }) => [
        source.slice(folder.length + 1),
        destination,
        readOnly,
      ]),
      [
        ["bin/nvidia-smi", "/usr/bin/nvidia-smi", true],
        ["libcuda.so.1", "/.singularity.d/libs/libcuda.so.1", true],
        ["libnvidia-ml.so.1", "/.singularity.d/libs/libnvidia-ml.so.1", true],
        ["dev/nvidia0", "/dev/nvidia0", false],
        ["dev/nvidiactl", "/dev/nvidiactl", false],
      ],
    );
  },
);

hostTest(
  "root, gcc",
  process.geteuid?.() === 0,
  "scripts find the driver with --nv, and the image has nothing of it",
  async (t) => {
    const folder = await scratch(t);
    await makeLibraries(folder);
    const definition = join(folder, "app.def");
    const image = join(folder, "app.sif");
    writeFileSync(
      definition,
      `Bootstrap: host
Include: sh ls cat

%post
  ls /.singularity.d/libs > /seen
  cat /.singularity.d/libs/libcuda.so.1 > /dev/null
  if echo x > /.singularity.d/libs/libcuda.so.1; then exit 41; fi

%test
  ls /.singularity.d/libs/libcuda.so.1
`,
    );
    const program = join(checkout, "bin/tsbuild.cjs");
    const build = [
      process.execPath,
      program,
      "build",
      "--nv",
      "--tmpdir",
      folder,
      image,
      definition,
    ];
    await privately(folder, build);
    const read = async (words: readonly string[]) =>
      (await execa(process.execPath, [program, ...words])).stdout;
    const seen = (await read(["cat", image, "/seen"])).split("\n");
    t.true(seen.includes("libcuda.so.1"));
    t.true(seen.includes("libnvidia-ml.so.1"));
    t.false(seen.includes("libunrelated.so.1"));
    t.regex(await read(["ls", image, "/.singularity.d/libs"]), /^d [^\n]* \.$/);
  },
);

toolTest(["ldconfig"], "a machine without a driver has nothing to bind", async (t) => {
  const folder = await scratch(t);
  const list = join(folder, "list");
  writeFileSync(list, "libsomething-that-is-nowhere.so\nno-such-program\n/no/such/file\n");
  const found = await driverBinds("nv", {
    environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    deviceFolder: folder,
    listFile: list,
  });
  t.deepEqual(found, []);
});
