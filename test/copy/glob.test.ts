import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { expandWord } from "../../src/copy/expand-word.ts";
import { glob, type GlobPlace } from "../../src/copy/glob.ts";
import { toByteString } from "../../src/model/bytes-path.ts";
import { toolTest } from "../helpers/tool.ts";

const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

for (const name of [
  "a.txt",
  "b.txt",
  "ab",
  ".hidden",
  "ü.txt",
  "a b",
  "[x]",
  "-",
  "^",
  "c]d",
  "x",
  "Z",
  "7",
]) {
  writeFileSync(join(folder, name), "");
}
mkdirSync(join(folder, "d/e"), { recursive: true });
writeFileSync(join(folder, "d/f.txt"), "");
writeFileSync(join(folder, "d/.g"), "");
symlinkSync("d", join(folder, "l"));
symlinkSync("nowhere", join(folder, "dang"));

const place: GlobPlace = {
  names: (path) =>
    statSync(join(folder, path), { throwIfNoEntry: false })?.isDirectory() === true
      ? readdirSync(join(folder, path), "latin1")
      : undefined,
  exists: (path) =>
    lstatSync(Buffer.from(`${folder}/${path}`, "latin1"), { throwIfNoEntry: false }) !== undefined,
};
const find = (word: string): string[] =>
  expandWord(toByteString(word), () => undefined).flatMap((pattern) => glob(pattern, place));

toolTest(["bash"], "wildcards find what bash finds", (t) => {
  for (const word of [
    "*",
    "*.txt",
    "?.txt",
    "a*",
    ".*den",
    "[ab].txt",
    "[!a].txt",
    "[^a]*.txt",
    "[a-c]*",
    "[[:upper:]]",
    "[[:digit:]x]",
    "[-]",
    "[]c]*",
    "[^]a]*",
    "[c-a]*",
    "[a",
    "*/",
    "*/*",
    "*/*.txt",
    "d/*",
    "./*.txt",
    "l/*",
    "**",
    "*/e/",
    "d/../*.txt",
    String.raw`\*`,
    String.raw`a\ *`,
    String.raw`\[*\]`,
    "dan*",
    "nope*",
    "ü*",
    "{a,b}*.txt",
    "d//*.txt",
  ]) {
    const { stdout } = spawnSync("bash", ["-c", `printf '%s\\n' ${word}`], {
      cwd: folder,
      env: { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] },
    });
    // bash leaves a doubled slash, we too; the order is that of the bytes for both.
    t.deepEqual(find(word), stdout.toString("latin1").slice(0, -1).split("\n"), word);
  }
});

test("a question mark is one character of a UTF-8 name, one byte of another", (t) => {
  const names: GlobPlace = { names: () => ["\xc3\xbc", "\xff"], exists: () => true };
  const [pattern = []] = expandWord("?", () => undefined);
  t.deepEqual(glob(pattern, names), ["\xc3\xbc", "\xff"]);
});
