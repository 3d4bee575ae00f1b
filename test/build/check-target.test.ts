import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { checkTarget } from "../../src/build/check-target.ts";

async function folderOf(t: { teardown: (fn: () => unknown) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test("a new name in a folder that is there is fine", async (t) => {
  const folder = await folderOf(t);
  await t.notThrowsAsync(
    checkTarget({ target: join(folder, "new.sif"), force: false, update: false }),
  );
});

test("an existing file needs force", async (t) => {
  const target = join(await folderOf(t), "old.sif");
  await writeFile(target, "x");
  const error = await t.throwsAsync(checkTarget({ target, force: false, update: false }));
  t.like(error, { code: "target/exists", exitCode: 2 });
  await t.notThrowsAsync(checkTarget({ target, force: true, update: false }));
});

test("a folder of another kind is told apart from a sandbox", async (t) => {
  const target = await folderOf(t);
  await writeFile(join(target, "thesis.tex"), "x");
  const check = (force: boolean) => checkTarget({ target, force, update: false });
  t.like(await t.throwsAsync(check(false)), { code: "target/not-a-sandbox" });
  await t.notThrowsAsync(check(true));
  await rm(join(target, "thesis.tex"));
  for (const name of [".singularity.d", "dev", "proc", "sys"]) await mkdir(join(target, name));
  t.like(await t.throwsAsync(check(false)), { code: "target/exists" });
});

test("not even force takes away the folder that one is in", async (t) => {
  for (const target of [process.cwd(), "/"]) {
    const error = await t.throwsAsync(checkTarget({ target, force: true, update: false }));
    t.like(error, { code: "target/in-use" });
  }
});

test("an update needs a sandbox to update", async (t) => {
  const target = join(await folderOf(t), "box");
  t.like(await t.throwsAsync(checkTarget({ target, force: false, update: true })), {
    code: "target/missing",
  });
  await mkdir(target);
  await t.notThrowsAsync(checkTarget({ target, force: false, update: true }));
});

test("a missing folder for the target is noticed before the build", async (t) => {
  const target = join(await folderOf(t), "no", "x.sif");
  const error = await t.throwsAsync(checkTarget({ target, force: false, update: false }));
  t.like(error, { code: "host/no-folder", exitCode: 6 });
});
