import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";

/** Which module of `src/` may import which. This table is the architecture; the test only reads it. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  system: ["model"],
  tree: ["model"],
  contents: ["model", "tree", "system"],
  definition: ["model"],
  convert: ["model", "definition", "layout"],
  tar: ["model", "tree"],
  elf: ["model", "tree"],
  layout: ["model", "tree"],
  folder: ["model", "tree", "contents", "system"],
  copy: ["model", "tree", "system"],
  squashfs: ["model", "tree", "contents", "system"],
  sif: ["model", "system"],
  cache: ["model", "system"],
  oci: ["model", "tree", "tar", "system", "cache"],
  isolation: ["model", "system"],
  "fake-root": ["model", "folder", "isolation", "system"],
  sandbox: ["model", "tree", "contents", "cache", "fake-root", "folder", "isolation", "system"],
  "library-client": ["model", "cache", "oci", "system"],
  source: [
    "library-client",
    "model",
    "tree",
    "tar",
    "folder",
    "elf",
    "oci",
    "squashfs",
    "sif",
    "cache",
    "system",
  ],
  push: [
    "model",
    "tree",
    "folder",
    "contents",
    "tar",
    "layout",
    "elf",
    "sif",
    "cache",
    "oci",
    "source",
    "library-client",
    "system",
  ],
  packer: ["model", "tree", "contents", "folder", "squashfs", "sif", "layout", "elf", "system"],
  lsp: ["model", "definition", "source"],
  plan: ["model", "definition", "layout", "source"],
  build: [
    "contents",
    "elf",
    "squashfs",
    "model",
    "tree",
    "layout",
    "folder",
    "copy",
    "isolation",
    "sandbox",
    "source",
    "packer",
    "plan",
    "system",
  ],
  doctor: [
    "model",
    "tree",
    "folder",
    "cache",
    "oci",
    "source",
    "isolation",
    "sandbox",
    "packer",
    "build",
    "system",
  ],
  cli: [
    "doctor",
    "contents",
    "model",
    "definition",
    "convert",
    "plan",
    "build",
    "source",
    "push",
    "library-client",
    "isolation",
    "packer",
    "layout",
    "squashfs",
    "sif",
    "folder",
    "tree",
    "oci",
    "cache",
    "lsp",
    "system",
  ],
};

const moduleOf = (path: string) => path.split("/")[1] ?? "";
const importsOf = (source: string) =>
  [
    ...source.matchAll(/^(?:import|export)\b(?:[^"';]*\bfrom)?\s*["']([^"']+)["']/gm),
    ...source.matchAll(/\bimport\(\s*["']([^"']+)["']/g),
  ].map((match) => match[1] ?? "");

const files = globSync("src/*/**/*.ts").toSorted();

test("the table sees the sources", (t) => {
  t.true(files.length > 10);
});

for (const file of files) {
  test(file, (t) => {
    const from = moduleOf(file);
    const imports = importsOf(readFileSync(file, "utf8"));
    const to = imports
      .filter((name) => name.startsWith("."))
      .map((path) => moduleOf(join(dirname(file), path)));
    const forbidden = to.filter(
      (name) => name !== from && mayImport[from]?.includes(name) !== true,
    );
    t.deepEqual(forbidden, [], `${from}/ may import: ${mayImport[from]?.join(", ") || "nothing"}`);
    if (from !== "system") {
      t.false(imports.includes("node:child_process"), "only system/ starts programs");
    }
    if (["model", "definition", "convert", "plan", "tree"].includes(from)) {
      const effects = imports.filter((name) =>
        ["node:fs", "node:fs/promises", "node:net", "node:http", "fs-extra", "undici"].includes(
          name,
        ),
      );
      t.deepEqual(effects, [], `${from}/ touches neither disk nor network`);
    }
  });
}
