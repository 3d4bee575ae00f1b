import test from "ava";
import { bindFlags } from "../../src/cli/bind-flags.ts";
import { compressionFlags, parseBlockSize } from "../../src/cli/compression-flags.ts";
import { platformFlags } from "../../src/cli/platform-flags.ts";

test("--bind takes comma lists, relative sources and a missing destination", (t) => {
  t.deepEqual(bindFlags(["/etc,/tmp:/mnt:ro"], [], "/"), [
    { source: "/etc", destination: "/etc", readOnly: false },
    { source: "/tmp", destination: "/mnt", readOnly: true },
  ]);
  t.deepEqual(bindFlags(["etc:/x"], [], "/"), [
    { source: "/etc", destination: "/x", readOnly: false },
  ]);
});

test("--mount says the same with names", (t) => {
  t.deepEqual(bindFlags([], ["type=bind,src=/etc,dst=/x,ro"], "/"), [
    { source: "/etc", destination: "/x", readOnly: true },
  ]);
});

for (const text of ["/etc:relative", "/etc:/x:rx", "/no/such/folder", ":/x", "/a:/b:ro:more"]) {
  test(`--bind ${text} is refused`, (t) => {
    t.like(
      t.throws(() => bindFlags([text], [], "/")),
      { code: "usage/bind" },
    );
  });
}

test("--mount of another type is refused", (t) => {
  t.like(
    t.throws(() => bindFlags([], ["type=tmpfs,dst=/x"], "/")),
    { code: "usage/bind" },
  );
});

test("--mksquashfs-args decide the compression unless --compress does", (t) => {
  t.deepEqual(
    compressionFlags({ mksquashfsArgs: "-comp zstd -Xcompression-level 3 -b 1M -quiet" }),
    {
      compression: "zstd:3",
      blockSizeBytes: 1024 * 1024,
      ignored: ["-quiet"],
    },
  );
  t.is(compressionFlags({ compress: "fast", mksquashfsArgs: "-comp zstd" }).compression, "fast");
  t.is(compressionFlags({}).compression, "balanced");
  t.is(compressionFlags({ mksquashfsArgs: "-Xcompression-level 1" }).compression, "gzip:1");
});

test("a compressor that we don't write is refused", (t) => {
  const error = t.throws(() => compressionFlags({ mksquashfsArgs: "-comp lzo" }));
  t.like(error, { code: "usage/compression" });
});

test("block sizes are powers of two from 4 KiB to 1 MiB", (t) => {
  t.deepEqual(
    ["4096", "128K", "1m", "2M", "100000", "x", "2048"].map((text) => parseBlockSize(text)),
    [4096, 131_072, 1_048_576, undefined, undefined, undefined, undefined],
  );
});

test("the platform is this machine's unless --arch names another", (t) => {
  t.is(platformFlags(undefined, undefined, "x64").architecture, "amd64");
  t.deepEqual(platformFlags("arm64", undefined, "x64"), {
    os: "linux",
    architecture: "arm64",
    variant: "v8",
  });
  t.deepEqual(platformFlags("arm", "7", "x64"), {
    os: "linux",
    architecture: "arm",
    variant: "v7",
  });
  t.deepEqual(platformFlags("386", undefined, "x64"), { os: "linux", architecture: "386" });
});

for (const [arch, variant] of [
  ["vax", undefined],
  ["arm", undefined],
  ["arm", "9"],
] as const) {
  test(`--arch ${arch} with variant ${variant ?? "none"} is refused`, (t) => {
    t.like(
      t.throws(() => platformFlags(arch, variant, "x64")),
      { code: "usage/architecture" },
    );
  });
}
