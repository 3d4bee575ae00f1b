import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import type { TarEntry } from "../../src/tar/tar-parser.ts";
import { scratch } from "../helpers/scratch.ts";
import { parse } from "../helpers/tar.ts";
import { toolTest } from "../helpers/tool.ts";

/** A folder with something of everything that a plain user can make. */
async function makeFolder(folder: string): Promise<void> {
  mkdirSync(join(folder, "d".repeat(90), "e".repeat(30)), { recursive: true });
  writeFileSync(join(folder, "d".repeat(90), "e".repeat(30), "f".repeat(60)), "long");
  writeFileSync(join(folder, "plain"), "plain text\n", { mode: 0o640 });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff, 0x0a])]), "odd");
  const script = `
    set -e
    ln plain other-name
    ln -s ${"t".repeat(150)} long-link
    ln -s plain link
    mkfifo pipe
    truncate -s 3000000 sparse
    for at in 0 1000000 2999999; do printf x | dd of=sparse bs=1 seek=$at conv=notrunc status=none; done
    truncate -s 70000 hole
    setfattr -n user.bin -v 0x000aff3d plain
    touch -d @1600000000.75 plain
    touch -h -d @86400 link
    chmod 4711 sparse
    chmod 1777 ${"d".repeat(90)}
  `;
  await execa("sh", ["-c", script], { cwd: folder });
}

/** What the archive says about a path, in a form that a test can compare. */
function facts(entries: readonly TarEntry[], tar: Buffer): Record<string, unknown> {
  return Object.fromEntries(
    entries
      .filter((e) => e.type !== "directory" || !/^(\.\/)?$/.test(e.path))
      .map((e) => {
        const read = e.type === "file" ? contentOf(e, tar) : undefined;
        return [
          e.path.replace(/^\.\//, "").replace(/\/$/, ""),
          [
            e.type,
            e.type === "symlink" ? "" : e.mode.toString(8),
            e.mtimeSeconds,
            e.linkTarget.replace(/^\.\//, ""),
            e.sizeBytes,
            read,
          ],
        ];
      }),
  );
}

function contentOf(e: TarEntry, tar: Buffer): string {
  const stored = tar.subarray(e.dataOffset, e.dataOffset + e.storedBytes);
  const whole = Buffer.alloc(e.sizeBytes);
  let at = 0;
  for (const { offset, lengthBytes } of e.data ?? [{ offset: 0, lengthBytes: e.sizeBytes }]) {
    stored.copy(whole, offset, at, at + lengthBytes);
    at += lengthBytes;
  }
  return whole.length > 1000
    ? [...whole.entries()]
        .filter(([, byte]) => byte !== 0)
        .map(([index]) => index)
        .join(" ")
    : whole.toString("latin1");
}

async function expected(folder: string): Promise<Record<string, unknown>> {
  // find(1) describes the folder; its contents were written above.
  const format = String.raw`%P\0%y\0%m\0%Ts\0%l\0%s\0`;
  const { stdout } = await execa("find", [".", "-mindepth", "1", "-printf", format], {
    cwd: folder,
    encoding: "latin1",
  });
  const words = stdout.split("\0");
  const result: Record<string, unknown> = {};
  const kinds: Record<string, string> = { f: "file", d: "directory", l: "symlink", p: "fifo" };
  for (let at = 0; at + 5 < words.length; at += 6) {
    const [path = "", kind = "", mode = "", time = "", target = "", size = ""] = words.slice(at);
    const isFile = kind === "f";
    const zeros = { sparse: "0 1000000 2999999", hole: "" }[path];
    const file = Buffer.from(`${folder}/${path}`, "latin1");
    result[path] = [
      kinds[kind],
      kind === "l" ? "" : mode,
      Number(time),
      target,
      isFile ? Number(size) : 0,
      isFile ? (zeros ?? readFileSync(file, "latin1")) : undefined,
    ];
  }
  return result;
}

async function compare(
  t: ExecutionContext,
  make: (folder: string, file: string) => Promise<unknown>,
  options: { readonly xattrs: boolean; readonly leaveOut?: readonly string[] },
): Promise<TarEntry[]> {
  const folder = join(await scratch(t), "in");
  mkdirSync(folder);
  await makeFolder(folder);
  for (const path of options.leaveOut ?? []) await execa("rm", ["-rf", path], { cwd: folder });
  const file = `${folder}.tar`;
  await make(folder, file);
  const tar = readFileSync(file);
  const entries = parse(tar, 10_000);
  const found = facts(entries, tar);
  const wanted = await expected(folder);
  // Either of the two names comes first, as the file; the other is a link to it.
  const links = entries.filter((e) => e.type === "hard-link");
  t.is(links.length, 1);
  const [link] = links;
  const [a, b] = ["plain", "other-name"];
  const linkName = link?.path.replace(/^\.\//, "") ?? "";
  const names = [linkName, link?.linkTarget.replace(/^\.\//, "")];
  t.true(names.includes(a) && names.includes(b));
  delete found[linkName];
  delete wanted[linkName];
  t.deepEqual(found, wanted);
  const real = statSync(join(folder, "plain"));
  for (const e of entries) t.deepEqual([e.uid, e.gid], [real.uid, real.gid]);
  if (options.xattrs) {
    const holder = entries.find((e) => e.type === "file" && e.xattrs !== undefined);
    t.deepEqual(Buffer.from(holder?.xattrs?.get("user.bin") ?? []), Buffer.from("000aff3d", "hex"));
  }
  return entries;
}

const gnuTar =
  (...options: readonly string[]) =>
  (folder: string, file: string) =>
    execa("tar", [...options, "-cf", file, "-C", folder, "."]);

for (const version of ["0.0", "0.1", "1.0"]) {
  toolTest(
    ["tar", "setfattr"],
    `GNU tar's pax archives with sparse files ${version}`,
    async (t) => {
      const make = gnuTar("--format=pax", "--xattrs", "--sparse", `--sparse-version=${version}`);
      const entries = await compare(t, make, { xattrs: true });
      const sparse = entries.filter((e) => e.data !== undefined).map((e) => e.path);
      t.deepEqual(sparse.toSorted(), ["./hole", "./sparse"]);
    },
  );
}

toolTest(["tar", "setfattr"], "GNU tar's own archives, sparse files among them", async (t) => {
  const entries = await compare(t, gnuTar("--format=gnu", "--sparse"), { xattrs: false });
  t.is(entries.filter((e) => e.data !== undefined).length, 2);
});

const short = ["long-link", "d".repeat(90)];

toolTest(["tar", "setfattr"], "GNU tar's ustar archives", async (t) => {
  await compare(t, gnuTar("--format=ustar"), { xattrs: false, leaveOut: ["long-link"] });
});

toolTest(["tar", "setfattr"], "GNU tar's v7 archives", async (t) => {
  await compare(t, gnuTar("--format=v7"), { xattrs: false, leaveOut: [...short, "pipe"] });
});

for (const format of ["pax", "gnutar", "ustar"]) {
  toolTest(["bsdtar", "setfattr"], `bsdtar's ${format} archives`, async (t) => {
    const leaveOut = format === "ustar" ? ["long-link"] : [];
    // bsdtar refuses a name that its locale can't read in pax archives, unless told that names are bytes.
    const options = format === "pax" ? ["--options", "pax:hdrcharset=BINARY", "--xattrs"] : [];
    await compare(
      t,
      (folder, file) =>
        execa("bsdtar", ["--format", format, ...options, "-cf", file, "-C", folder, "."]),
      { xattrs: format === "pax", leaveOut },
    );
  });
}

toolTest(["tar", "truncate"], "a file of 9 GiB, as GNU tar writes its size", async (t) => {
  const folder = await scratch(t);
  // The archive's own beginning suffices: nothing after the first header is looked at before the data are over.
  await execa("truncate", ["-s", "9G", "big"], { cwd: folder });
  for (const format of ["gnu", "pax"]) {
    const { stdout } = await execa(
      "sh",
      ["-c", `tar --format=${format} -cf - big 2>/dev/null | head -c 4096 | base64`],
      { cwd: folder },
    );
    const error = t.throws(() => parse(Buffer.from(stdout, "base64")), { code: "tar/truncated" });
    t.regex(error.message, /after 4096 bytes/);
  }
});
