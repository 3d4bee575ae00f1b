import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { SystemCallError } from "../../src/system/syscalls.ts";
import { takePlace } from "../../src/system/take-place.ts";
import { scratch } from "../helpers/scratch.ts";

const file = (path: string, text: string) => {
  writeFileSync(path, text);
};
const folder = (path: string, text: string) => {
  mkdirSync(path);
  writeFileSync(join(path, "inner"), text);
};
const text = (path: string) =>
  readFileSync(existsSync(join(path, "inner")) ? join(path, "inner") : path, "utf8");

const notAllowed = () => {
  throw new SystemCallError(1, "renameat2");
};

for (const [madeKind, make] of Object.entries({ file, folder })) {
  for (const [oldKind, makeOld] of Object.entries({ file, folder })) {
    test(`a ${madeKind} takes the place of a ${oldKind}`, async (t) => {
      const inside = await scratch(t);
      const [made, target] = [join(inside, "made"), join(inside, "target")];
      make(made, "new");
      makeOld(target, "old");
      const old = await takePlace(made, target);
      t.is(text(target), "new");
      if (old === undefined) t.deepEqual(readdirSync(inside), ["target"]);
      else t.is(text(old), "old");
    });
  }
  test(`a ${madeKind} takes a free place`, async (t) => {
    const inside = await scratch(t);
    make(join(inside, "made"), "new");
    t.is(await takePlace(join(inside, "made"), join(inside, "target")), undefined);
    t.is(text(join(inside, "target")), "new");
    t.deepEqual(readdirSync(inside), ["target"]);
  });
}

test("the target is never missing", async (t) => {
  const inside = await scratch(t);
  const target = join(inside, "target");
  folder(target, "0");
  const watcher = spawn(
    "sh",
    ["-c", 'while test ! -e "$1/stop"; do test -e "$1/target" || echo missing; done', "sh", inside],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const said: Buffer[] = [];
  watcher.stdout.on("data", (bytes: Buffer) => said.push(bytes));
  for (let round = 1; round <= 300; round += 1) {
    const made = join(inside, `made-${round}`);
    (round % 2 === 0 ? folder : file)(made, String(round));
    // oxlint-disable-next-line no-await-in-loop -- one after the other is what is tested
    await takePlace(made, target);
  }
  file(join(inside, "stop"), "");
  await new Promise((resolve) => {
    watcher.once("close", resolve);
  });
  t.is(Buffer.concat(said).toString(), "");
  t.is(text(target), "300");
});

test("where names can't be exchanged, the old one steps aside", async (t) => {
  const inside = await scratch(t);
  const [made, target] = [join(inside, "made"), join(inside, "target")];
  file(made, "new");
  folder(target, "old");
  // What NFS answers.
  const old = await takePlace(made, target, () => {
    throw new SystemCallError(22, "renameat2");
  });
  t.regex(old ?? "", /target\.old-[0-9a-f]{8}$/);
  t.is(text(target), "new");
  t.is(text(old ?? ""), "old");
});

test("another failure is told, and nothing moves", async (t) => {
  const inside = await scratch(t);
  const [made, target] = [join(inside, "made"), join(inside, "target")];
  file(made, "new");
  folder(target, "old");
  const error = await t.throwsAsync(takePlace(made, target, notAllowed));
  t.regex(error?.message ?? "", /EPERM/);
  t.is(text(target), "old");
  t.is(text(made), "new");
});
