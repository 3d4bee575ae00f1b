import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { bindFlags } from "../../src/cli/bind-flags.ts";
import { UsageError } from "../../src/model/error.ts";
import { scratch } from "../helpers/scratch.ts";

const names = ["data", "file", "a,b", "c:d", "e\\f"];

async function folderWith(t: Parameters<typeof scratch>[0]): Promise<string> {
  const folder = await scratch(t);
  for (const name of names) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "x"), "");
  return folder;
}

const good: readonly [
  option: string,
  words: readonly string[],
  expected: readonly (readonly [source: string, destination: string, readOnly: boolean])[],
][] = [
  ["--bind", ["data:/mnt"], [["data", "/mnt", false]]],
  ["--bind", ["data:/mnt:ro"], [["data", "/mnt", true]]],
  ["--bind", ["data:/mnt:rw"], [["data", "/mnt", false]]],
  ["--bind", ["data:/mnt:rw,ro"], [["data", "/mnt", true]]],
  [
    "--bind",
    ["data:/mnt:ro,file:/file"],
    [
      ["data", "/mnt", true],
      ["file", "/file", false],
    ],
  ],
  [
    "--bind",
    ["data:/mnt,file:/file:ro", "x:/x"],
    [
      ["data", "/mnt", false],
      ["file", "/file", true],
      ["x", "/x", false],
    ],
  ],
  ["--bind", ["a\\,b:/a\\,b"], [["a,b", "/a,b", false]]],
  ["--bind", ["c\\:d:/c\\:d:ro"], [["c:d", "/c:d", true]]],
  ["--bind", ["e\\\\f:/e"], [["e\\f", "/e", false]]],
  ["--mount", ["type=bind,source=data,destination=/mnt"], [["data", "/mnt", false]]],
  ["--mount", ["type=bind,src=data,dst=/mnt,ro"], [["data", "/mnt", true]]],
  ["--mount", ["target=/mnt,src=data,type=bind,readonly"], [["data", "/mnt", true]]],
  ["--mount", ["type=bind,src=data,dst=/mnt,readonly=true"], [["data", "/mnt", true]]],
  ["--mount", ["type=bind,src=data,dst=/mnt,ro=false"], [["data", "/mnt", false]]],
  ["--mount", ['type=bind,"src=a,b","dst=/a,b"'], [["a,b", "/a,b", false]]],
  ["--mount", ["type=bind,src=c:d,dst=/mnt"], [["c:d", "/mnt", false]]],
];

for (const [option, words, expected] of good) {
  test(`${option} ${words.join(` ${option} `)}`, async (t) => {
    const folder = await folderWith(t);
    const found = option === "--bind" ? bindFlags(words, [], folder) : bindFlags([], words, folder);
    t.deepEqual(
      found,
      expected.map(([source, destination, readOnly]) => ({
        source: join(folder, source),
        destination,
        readOnly,
      })),
    );
  });
}

test("a source alone is bound at its own place", async (t) => {
  const folder = await folderWith(t);
  const source = join(folder, "data");
  t.deepEqual(bindFlags(["data"], [], folder), [{ source, destination: source, readOnly: false }]);
});

const bad: readonly [option: string, word: string, hint: RegExp][] = [
  ["--bind", "nowhere:/mnt", /there is no .*nowhere on this machine/],
  ["--bind", "data:mnt", /starts with a slash/],
  ["--bind", "data:/mnt:rx", /options are ro and rw, not rx/],
  ["--bind", "data:/mnt:ro:more", /write it SRC/],
  ["--bind", ":/mnt", /write it SRC/],
  ["--bind", "data:/mnt:image-src=/x", /options are ro and rw, not image-src/],
  ["--mount", "type=volume,src=data,dst=/mnt", /write it type=bind/],
  ["--mount", "src=data,dst=/mnt", /write it type=bind/],
  ["--mount", "type=bind,src=data", /write it type=bind/],
  [
    "--mount",
    "type=bind,src=data,dst=/mnt,bind-propagation=shared",
    /there is no bind-propagation/,
  ],
  ["--mount", "type=bind,src=data,dst=/mnt,ro=maybe", /ro is true or false/],
  ["--mount", 'type=bind,"src=data', /quote is not closed/],
];

for (const [option, word, hint] of bad) {
  test(`${option} ${word} is refused`, async (t) => {
    const folder = await folderWith(t);
    const error = t.throws(
      () => (option === "--bind" ? bindFlags([word], [], folder) : bindFlags([], [word], folder)),
      { instanceOf: UsageError },
    );
    t.is(error?.code, "usage/bind");
    t.regex(error?.hint ?? "", hint);
  });
}
