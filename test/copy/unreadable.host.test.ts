import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { asPlainUser, runAs } from "../helpers/run-as.ts";
import { hostTest } from "../helpers/tool.ts";

const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
chmodSync(folder, 0o755);
mkdirSync(join(folder, "d/closed"), { recursive: true });
writeFileSync(join(folder, "d/closed/x"), "x");
chmodSync(join(folder, "d/closed"), 0o700);
writeFileSync(join(folder, "closed-file"), "x", { mode: 0o600 });
writeFileSync(join(folder, "open-file"), "x");

for (const [source, code] of [
  ["closed-file", "files/unreadable"],
  ["d/closed/x", "files/unreadable"],
  ["d", "files/unreadable"],
  ["d/nothing", "files/missing"],
  ["open-file", undefined],
] as const) {
  const title = `a plain user copies ${source}: ${code ?? "it works"}`;
  hostTest("root", process.geteuid?.() === 0, title, (t) => {
    const fixture = join(import.meta.dirname, "unreadable-fixture.ts");
    const told = runAs(asPlainUser, fixture, [folder, source]) as { code?: string };
    t.is(told.code, code);
  });
}
