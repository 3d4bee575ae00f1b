import test from "ava";
import { SourceError } from "../../src/model/error.ts";
import type { Platform } from "../../src/model/platform.ts";
import type { IndexEntry } from "../../src/oci/manifest.ts";
import { choosePlatform } from "../../src/oci/platform-choice.ts";
import { platformOf } from "../helpers/oci-image.ts";

const entry = (text: string): IndexEntry => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${text.padEnd(64, "0")}`,
  sizeBytes: 1,
  annotations: {},
  platform: text === "" ? undefined : (platformOf(text) as { os: string; architecture: string }),
});
const wanted = (text: string): Platform => platformOf(text) as unknown as Platform;
const choose = (offered: readonly string[], want: string) => {
  const entries = offered.map(entry);
  return offered[entries.indexOf(choosePlatform(entries, wanted(want), "img"))];
};

const cases: readonly [string, readonly string[], string][] = [
  ["linux/amd64", ["linux/386", "linux/amd64", "linux/arm64/v8"], "linux/amd64"],
  ["linux/arm64/v8", ["linux/amd64", "linux/arm64"], "linux/arm64"],
  ["linux/arm64", ["linux/amd64", "linux/arm64/v8"], "linux/arm64/v8"],
  ["linux/arm64/v8", ["linux/arm64/v9", "linux/arm64/v8"], "linux/arm64/v8"],
  ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
  ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"],
  ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"],
  ["linux/arm", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
  ["linux/amd64", ["linux/amd64/v3", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["unknown/unknown", "windows/amd64", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["linux/arm64", ""], ""],
  ["linux/riscv64", ["linux/amd64", "linux/riscv64"], "linux/riscv64"],
  ["linux/arm64/v8", ["linux/aarch64"], "linux/aarch64"],
];

for (const [want, offered, chosen] of cases) {
  test(`${want} of ${offered.map((one) => one || "(unstated)").join(", ")} is ${chosen || "(unstated)"}`, (t) => {
    t.is(choose(offered, want), chosen);
  });
}

test("the first of equals is chosen", (t) => {
  const first = entry("linux/amd64");
  t.is(choosePlatform([first, entry("linux/amd64")], wanted("linux/amd64"), "img"), first);
});

for (const [want, offered] of [
  ["linux/arm/v5", ["linux/arm/v6", "linux/arm64"]],
  ["linux/amd64", ["linux/amd64/v3", "linux/arm64/v8", "unknown/unknown"]],
  ["linux/amd64", []],
] as const) {
  test(`nothing of ${offered.join(", ") || "nothing"} is for ${want}, and what is there is told`, (t) => {
    const error = t.throws(() => choose(offered, want), { instanceOf: SourceError });
    t.is(error.code, "source/no-platform");
    for (const one of offered.filter((name) => !name.startsWith("unknown"))) {
      t.true(error.hint?.includes(one));
    }
    t.false(error.hint?.includes("unknown"));
  });
}
