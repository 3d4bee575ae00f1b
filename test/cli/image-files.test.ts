import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { runCli } from "../helpers/run-cli.ts";
import { toolTest } from "../helpers/tool.ts";

const definition = "Bootstrap: scratch\n%files\nhello /opt/hello\n%labels\nA b\n";

async function imageIn(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "x.def"), definition);
  writeFileSync(join(folder, "hello"), "hello, image\n");
  const { error } = await runCli(["build", "x.sif", "x.def"], folder);
  t.is(error, undefined);
  return folder;
}

test("ls shows a directory, one file, or everything below", async (t) => {
  const folder = await imageIn(t);
  const names = async (...words: string[]) =>
    (await runCli(["ls", "x.sif", ...words], folder)).stdout
      .split("\n")
      .map((line) => line.split(" ")[5]);
  t.deepEqual(await names("/opt"), [".", "hello", undefined]);
  t.true((await names("/.singularity.d", "-R")).includes("env/90-environment.sh"));
  t.false((await names("/.singularity.d")).includes("env/90-environment.sh"));
  // The link's target is what is listed.
  t.true((await names("/environment")).includes("environment"));
  const { error } = await runCli(["ls", "x.sif", "/nope"], folder);
  t.is(error?.code, "usage/no-such-path");
});

test("cat prints files, through links, and refuses directories", async (t) => {
  const folder = await imageIn(t);
  const both = await runCli(["cat", "x.sif", "/opt/hello", "opt/hello"], folder);
  t.is(both.stdout, "hello, image\nhello, image\n");
  const link = await runCli(["cat", "x.sif", "/singularity"], folder);
  t.is(link.stdout, "#!/bin/sh\n");
  t.is((await runCli(["cat", "x.sif", "/opt"], folder)).error?.code, "usage/not-a-file");
});

test("unpack writes a new folder and touches none that is there", async (t) => {
  const folder = await imageIn(t);
  t.is((await runCli(["unpack", "x.sif", "out"], folder)).exitCode, 0);
  t.is(await readFile(join(folder, "out/opt/hello"), "utf8"), "hello, image\n");
  t.is((await stat(join(folder, "out/.singularity.d/actions/run"))).mode & 0o777, 0o755);
  t.is((await runCli(["unpack", "x.sif", "out"], folder)).error?.code, "target/exists");
});

test("diff says in what images differ, as text and JSON, and exits as diff does", async (t) => {
  const folder = await imageIn(t);
  t.is((await runCli(["diff", "x.sif", "x.sif"], folder)).exitCode, 0);
  const environment = { SOURCE_DATE_EPOCH: "1700000000" };
  writeFileSync(join(folder, "a.def"), "Bootstrap: scratch\n%files\nhello /a\nhello /old\n");
  await runCli(["build", "a.sif", "a.def"], folder, environment);
  writeFileSync(join(folder, "hello"), "other\n");
  writeFileSync(join(folder, "a.def"), "Bootstrap: scratch\n%files\nhello /a\nhello /new\n");
  await runCli(["build", "--sandbox", "b", "a.def"], folder, environment);
  const text = await runCli(["diff", "a.sif", "b"], folder);
  t.is(text.exitCode, 1);
  t.true(text.stdout.includes("+ /new (file)\n"));
  t.true(text.stdout.includes("- /old (file)\n"));
  t.true(text.stdout.includes("M /a (size 13 -> 6)\n"));
  t.true(text.stdout.includes("M /.singularity.d/Singularity (content)\n"));
  const json = await runCli(["diff", "--json", "a.sif", "b"], folder);
  const changes = JSON.parse(json.stdout) as { path: string }[];
  t.deepEqual(
    changes.find(({ path }) => path === "/a"),
    { kind: "changed", path: "/a", parts: [{ part: "size", before: "13", after: "6" }] } as object,
  );
});

test("sif shows header and objects, and gives an object's bytes", async (t) => {
  const folder = await imageIn(t);
  t.is((await runCli(["sif", "dump", "1", "x.sif"], folder)).stdout, definition);
  t.regex((await runCli(["sif", "list", "x.sif"], folder)).stdout, /FS \(Squashfs\/\*System\//);
  t.regex((await runCli(["sif", "info", "2", "x.sif"], folder)).stdout, /inspect-metadata\.json/);
  const wrong = [["nope", "x.sif"], ["info", "x.sif"], ["info", "x", "x.sif"], ["list"]];
  for (const words of wrong) {
    t.is((await runCli(["sif", ...words], folder)).error?.code, "usage/operands", words.join(" "));
  }
  t.is((await runCli(["sif", "info", "9", "x.sif"], folder)).error?.code, "sif/no-object");
});

toolTest(["siftool"], "siftool says the same of header, list and objects", async (t) => {
  const { execFileSync } = await import("node:child_process");
  const folder = await imageIn(t);
  const image = join(folder, "x.sif");
  for (const words of [["header"], ["list"], ["info", "1"], ["info", "3"], ["dump", "2"]]) {
    const theirs = execFileSync("siftool", [...words, image], { encoding: "latin1" });
    const ours = (await runCli(["sif", ...words, image], folder)).stdout;
    t.is(ours.trimEnd(), theirs.trimEnd(), words.join(" "));
  }
});
