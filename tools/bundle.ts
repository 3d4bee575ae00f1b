// Bundles the program into few files that Node reads fast: dist/program/main.cjs, its chunks, and the threads' files.
//
//   node tools/bundle.ts          in the checkout; npm run build does
//
// CommonJS, for it starts a fifth faster than ES modules do. All lie in one folder, two below the package's, where the
// sources find package.json and their threads by the same relative names as in src/. The library (dist/index.js and the
// rest) is what tsc writes.

import { existsSync, promises, readFileSync } from "node:fs";
import { build, type Plugin } from "rolldown";

/** What other packages the bundle has in it. All others are loaded from node_modules, when a command needs them. */
const bundled = /^(?:commander|chevrotain|@chevrotain\/.*)$/;

/** What `tsbuild check` loads: that comes in one file. */
const started = new Set<string>();
const starting = /\/src\/cli\/(?:run|check|print-error)\.ts$/;

const findStarted: Plugin = {
  name: "find-started",
  buildEnd() {
    const pending = [...this.getModuleIds()].filter((id) => starting.test(id));
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      if (started.has(id)) continue;
      started.add(id);
      pending.push(...(this.getModuleInfo(id)?.importedIds ?? []));
    }
  },
};

/**
 * What Commander takes from Node as a whole, without copying each of it. Commander can start commands that are programs
 * of their own; we have none, and loading what starts programs costs 3 ms.
 */
const commandersNode: Plugin = {
  name: "commanders-node",
  resolveId: (name, importer) => (isCommanders(name, importer) ? `\0commanders-${name}` : null),
  load(id) {
    const name = /^\0commanders-(.+)/.exec(id)?.[1];
    if (name === undefined) return null;
    const isUsed = name !== "node:child_process";
    return `export default ${isUsed ? `process.getBuiltinModule("${name}")` : "{}"};`;
  },
};

function isCommanders(name: string, importer: string | undefined): boolean {
  const isWhole = /^node:(?:child_process|fs|path|process)$/.test(name);
  return isWhole && importer?.includes("/node_modules/commander/") === true;
}

/** Loads what is behind `node:fs/promises`, 2 ms, when one of its functions is called first. */
const laterPromises: Plugin = {
  name: "later-promises",
  resolveId: (name) => (name === "node:fs/promises" ? "\0later-promises" : null),
  load(id) {
    if (id !== "\0later-promises") return null;
    const names = Object.keys(promises).filter((name) => name !== "constants");
    return [
      'import { constants, promises } from "node:fs";',
      "export { constants };",
      ...names.map((name) => `export const ${name} = (...given) => promises.${name}(...given);`),
    ].join("\n");
  },
};

/** The licences of what is bundled, as they ask for. */
const licences: Plugin = {
  name: "licences",
  generateBundle() {
    const folders = new Set<string>();
    for (const id of this.getModuleIds()) {
      const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0];
      if (folder !== undefined) folders.add(folder);
    }
    const texts = [...folders].toSorted().map((folder) => {
      const read = (name: string) => readFileSync(`${folder}/${name}`, "utf8");
      const { name, version } = JSON.parse(read("package.json")) as Record<string, string>;
      const file = ["LICENSE", "LICENSE.txt"].find((candidate) =>
        existsSync(`${folder}/${candidate}`),
      );
      if (file === undefined) throw new Error(`${folder} has no licence to go with it`);
      return `${name} ${version}\n\n${read(file)}`;
    });
    const source = `This folder holds code of these packages.\n\n${texts.join("\n\n")}`;
    this.emitFile({ type: "asset", fileName: "LICENSES.txt", source });
  },
};

await build({
  input: {
    main: "src/main.ts",
    "block-worker": "src/squashfs/block-worker.ts",
    "verify-worker": "src/squashfs/verify-worker.ts",
    "supervisor-worker": "src/fake-root/supervisor-worker.ts",
  },
  platform: "node",
  // The sources part what is heavy for themselves; some of it is light enough here.
  checks: { ineffectiveDynamicImport: false },
  external: (name, importer) =>
    !/^(?:[./]|\0|node:fs\/promises$)/.test(name) &&
    !bundled.test(name) &&
    !isCommanders(name, importer),
  plugins: [findStarted, commandersNode, laterPromises, licences],
  output: {
    format: "cjs",
    // Node holds a text that is all ASCII in half the memory.
    charset: "ascii",
    comments: false,
    dir: "dist/program",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    codeSplitting: { groups: [{ name: "start", test: (id) => started.has(id) }] },
  },
});
