import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { openDirectory } from "../../src/folder/directory-handle.ts";
import { removeEntry } from "../../src/folder/remove-entry.ts";
import { hostTest } from "../helpers/tool.ts";

const source = join(import.meta.dirname, "../../src/folder");
const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

/** Removes what has the name in the folder of these tests. */
async function remove(name: string, folder = scratch): Promise<void> {
  const handle = openDirectory(folder);
  await removeEntry(handle, name, name).finally(() => handle.close());
}

test("a folder that isn't there is removed already", async (t) => {
  await t.notThrowsAsync(remove("nothing"));
});

test("a deep folder is removed without ever naming a path that is too long", async (t) => {
  const folder = join(scratch, "deep");
  mkdirSync(folder);
  // 400 levels of 50 bytes are far over the 4096 bytes that a path may have.
  const { status } = spawnSync("sh", [
    "-c",
    `cd "$1"; for i in $(seq 400); do mkdir ${"d".repeat(50)}; cd -P ${"d".repeat(50)}; done; : > end`,
    "sh",
    folder,
  ]);
  t.is(status, 0);
  await remove("deep");
  t.false(existsSync(folder));
});

test("the folder above keeps its mode", async (t) => {
  const above = join(scratch, "above");
  mkdirSync(join(above, "in"), { recursive: true });
  chmodSync(above, 0o755);
  writeFileSync(join(above, "in", "x"), "");
  await remove("in", above);
  t.true(existsSync(above));
});

hostTest("root", isRoot, "what is mounted inside is not removed", (t) => {
  const folder = join(scratch, "mounted");
  mkdirSync(join(folder, "mnt"), { recursive: true });
  const script = `
    import { existsSync } from "node:fs";
    import { openDirectory } from ${JSON.stringify(join(source, "directory-handle.ts"))};
    import { removeEntry } from ${JSON.stringify(join(source, "remove-entry.ts"))};
    const folder = ${JSON.stringify(folder)};
    const above = openDirectory(${JSON.stringify(scratch)});
    await removeEntry(above, "mounted", "mounted").catch((error) => console.log(error.code, error.message));
    console.log(existsSync(folder + "/mnt/precious"));`;
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    [
      "--mount",
      "sh",
      "-ec",
      'mount -n -t tmpfs tmpfs "$1/mnt"; : > "$1/mnt/precious"; exec "$2" --input-type=module -e "$3"',
      "sh",
      folder,
      process.execPath,
      script,
    ],
    { encoding: "utf8" },
  );
  t.is(status, 0, stderr);
  const [told, kept] = stdout.split("\n");
  t.regex(told ?? "", /^folder\/mounted mounted\/mnt is on another file system/);
  t.is(kept, "true");
});
