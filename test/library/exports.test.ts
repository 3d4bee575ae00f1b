import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  makePlan,
  parseCompression,
  parseDefinition,
  platformOf,
  runPlan,
  sectionSwitch,
  type BuildEvent,
} from "../../src/index.ts";

const root = new URL("../../", import.meta.url);

test("every entry of the package has its source", (t) => {
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    exports: Record<string, string | { types: string; default: string }>;
  };
  for (const entry of Object.values(exports)) {
    if (typeof entry === "string") continue;
    t.is(entry.types.replace(/\.d\.ts$/, ".js"), entry.default);
    const source = entry.default.replace("./dist/", "src/").replace(/\.js$/, ".ts");
    t.notThrows(() => readFileSync(new URL(source, root)));
  }
});

test("an image can be built by the library alone, and tells what it does", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const text = "Bootstrap: scratch\n%runscript\necho hi\n";
  const { definition } = parseDefinition(text, { file: "x.def" });
  if (definition === undefined) throw new Error("the definition was not read");
  const platform = platformOf(process.arch);
  const { plan } = makePlan(definition, {
    platform,
    format: "sif",
    sections: sectionSwitch([]),
    runTests: true,
  });
  if (plan === undefined) throw new Error("the build was not planned");
  const events: BuildEvent["type"][] = [];
  const target = join(folder, "x.sif");
  const result = await runPlan(plan, {
    target,
    format: "sif",
    force: false,
    folder,
    definitionFolder: undefined,
    platform,
    noHttps: false,
    cacheFolder: undefined,
    temporaryParent: folder,
    keepTemporary: false,
    fixPermissions: false,
    time: { seconds: 1_700_000_000, isFixed: true },
    compression: parseCompression("balanced"),
    blockSizeBytes: undefined,
    verify: true,
    workers: 1,
    isolation: undefined,
    binds: [],
    drivers: [],
    writableTmpfs: false,
    network: "host",
    environment: {},
    version: "0.0.0",
    listener: ({ type }) => void events.push(type),
    signal: new AbortController().signal,
  });
  const image = await readFile(target);
  t.is(image.length, result.sizeBytes);
  t.true(image.subarray(0, 128).includes("SIF_MAGIC"));
  t.is(events[0], "build-start");
  t.is(events.at(-1), "build-end");
  t.is(events.filter((type) => type === "step-start").length, 3);
});
