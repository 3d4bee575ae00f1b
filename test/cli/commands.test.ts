import { mkdtemp, readFile, rm, stat, writeFile, chmod, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { commandNames } from "../../src/cli/command-names.ts";
import { commands } from "../../src/cli/commands.ts";
import { runCli } from "../helpers/run-cli.ts";

const good = "Bootstrap: docker\nFrom: debian:12\n\n%runscript\n    echo hi\n";

async function folderWith(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test("every command is known by name", (t) => {
  t.deepEqual(
    commands.map(({ name }) => name),
    [...commandNames],
  );
});

test("check tells of every file and exits with 3 when there is an error", async (t) => {
  const folder = await folderWith(t, { "a.def": good, "b.def": `${good}%instal\nx\n` });
  const fine = await runCli(["check", "a.def"], folder);
  t.is(fine.exitCode, 0);
  t.is(fine.stdout, "1 file: 0 errors, 0 warnings\n");
  const both = await runCli(["check", "a.def", "b.def"], folder);
  t.is(both.exitCode, 3);
  t.true(both.stdout.startsWith("b.def:6:1: error: unknown section %instal\n"));
  t.true(both.stdout.endsWith("2 files: 1 error, 0 warnings\n"));
});

test("advice lets the check pass unless --strict is given", async (t) => {
  const folder = await folderWith(t, { "a.def": "Bootstrap: docker\nFrom: debian\n" });
  t.is((await runCli(["check", "a.def"], folder)).exitCode, 0);
  t.is((await runCli(["check", "--strict", "a.def"], folder)).exitCode, 3);
});

test("check prints JSON for programs and annotations for GitHub", async (t) => {
  const folder = await folderWith(t, { "a.def": "Bootstrap: docker\nFrom: debian\n" });
  const json = await runCli(["check", "--format", "json", "a.def"], folder);
  t.like(JSON.parse(json.stdout), [
    { file: "a.def", diagnostics: [{ severity: "warning", code: "check/unpinned-image" }] },
  ]);
  const github = await runCli(["check", "--format", "github", "a.def"], folder);
  t.regex(
    github.stdout,
    /^::warning file=a\.def,line=2,col=7,endColumn=13,title=check\/unpinned-image::[^\n]+%0A[^\n]+\n$/,
  );
});

test("check fills in build arguments, and tells of wrong ones", async (t) => {
  const folder = await folderWith(t, {
    "a.def": "Bootstrap: docker\nFrom: debian:{{ v }}\n",
    args: "v=12\n",
  });
  t.is((await runCli(["check", "a.def"], folder)).exitCode, 3);
  t.is((await runCli(["check", "--build-arg", "v=12", "a.def"], folder)).exitCode, 0);
  t.is((await runCli(["check", "--build-arg-file", "args", "a.def"], folder)).exitCode, 0);
  t.is((await runCli(["check", "--build-arg", "v", "a.def"], folder)).exitCode, 3);
});

test("format changes a file in place, keeps its mode, and then finds nothing to change", async (t) => {
  const folder = await folderWith(t, {
    "a.def": "bootstrap:docker\nFROM: debian:12\n%RunScript\necho\n",
  });
  const file = join(folder, "a.def");
  await chmod(file, 0o640);
  const before = await runCli(["format", "--check", "a.def"], folder);
  t.is(before.exitCode, 3);
  t.is((await runCli(["format", "a.def"], folder)).exitCode, 0);
  t.regex(await readFile(file, "utf8"), /^Bootstrap: docker\nFrom: debian:12\n\n%runscript\n/);
  t.is((await stat(file)).mode & 0o777, 0o640);
  t.is((await runCli(["format", "--check", "a.def"], folder)).exitCode, 0);
  t.deepEqual(await readdir(folder), ["a.def"]);
});

test("format leaves a file that can't be read as a definition alone", async (t) => {
  const folder = await folderWith(t, { "a.def": "%foo\n" });
  const { error } = await runCli(["format", "a.def"], folder);
  t.is(error?.exitCode, 3);
  t.is(await readFile(join(folder, "a.def"), "utf8"), "%foo\n");
});

test("plan --json prints the plan and nothing else", async (t) => {
  const folder = await folderWith(t, { "a.def": good });
  const { stdout } = await runCli(["plan", "--json", "a.def"], folder);
  t.like(JSON.parse(stdout), { version: 1, file: "a.def", stages: [{ needsSandbox: false }] });
  t.deepEqual(await readdir(folder), ["a.def"]);
});

test("a missing file, a wrong option and a misspelt command are errors of whoever types", async (t) => {
  const folder = await folderWith(t, { "a.def": good });
  const codes = async (...words: string[]) => (await runCli(words, folder)).error?.code;
  t.is(await codes("plan", "nope.def"), "usage/spec-not-found");
  t.is(await codes("build", "--hepl"), "usage/options");
  t.is(await codes("build", "--jobs", "0", "a.sif", "a.def"), "usage/options");
  t.is(await codes("check", "nope.def"), "host/not-readable");
  const { error } = await runCli(["chekc", "a.def", "b.def"], folder);
  t.is(error?.code, "usage/operands");
  t.regex(error?.hint ?? "", /did you mean tsbuild check\?/);
});

for (const words of [["--encrypt"], ["--remote"], ["--pem-path", "x"]]) {
  test(`${words[0]} is refused rather than ignored`, async (t) => {
    const folder = await folderWith(t, { "a.def": good });
    const { error } = await runCli(["build", ...words, "a.sif", "a.def"], folder);
    t.is(error?.code, "usage/not-supported");
  });
}

test("help and version go to standard output and exit with 0", async (t) => {
  const help = await runCli(["build", "--help"], "/");
  t.is(help.exitCode, 0);
  t.regex(help.stdout, /--build-arg-file/);
  const version = await runCli(["--version"], "/");
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("check --fix mends files in place, tells of it, and keeps their mode", async (t) => {
  const wrong = "Bootstrap: docker\nForm: debian\n%post\napt-get install gcc\n";
  const folder = await folderWith(t, { "a.def": wrong, "b.def": good });
  await chmod(join(folder, "a.def"), 0o640);
  const { exitCode, stdout } = await runCli(["check", "--fix", "a.def", "b.def"], folder);
  t.is(exitCode, 0);
  t.true(
    stdout.startsWith(
      "a.def:2:1: fixed: Write From (definition/unknown-keyword)\n" +
        "a.def:4:1: fixed: Add -y (check/install-without-yes)\n" +
        "a.def:2:7: warning: debian is whatever",
    ),
    stdout,
  );
  t.true(stdout.endsWith("2 files: 2 fixed, 0 errors, 1 warning\n"), stdout);
  const fixed = "Bootstrap: docker\nFrom: debian\n%post\napt-get -y install gcc\n";
  t.is(await readFile(join(folder, "a.def"), "utf8"), fixed);
  t.is((await stat(join(folder, "a.def"))).mode & 0o777, 0o640);
  t.deepEqual((await readdir(folder)).toSorted(), ["a.def", "b.def"]);
  t.is((await runCli(["check", "--fix", "--strict", "a.def"], folder)).exitCode, 3);
  t.is(await readFile(join(folder, "a.def"), "utf8"), fixed);
});

test("check --fix leaves a file alone in which nothing can be mended", async (t) => {
  const folder = await folderWith(t, { "a.def": `${good}%instal\nx\n` });
  const before = await stat(join(folder, "a.def"));
  t.is((await runCli(["check", "--fix", "a.def"], folder)).exitCode, 3);
  t.is((await stat(join(folder, "a.def"))).ino, before.ino);
});

test("check tells programs how to mend a finding, and what was mended", async (t) => {
  const text = "Bootstrap: docker\nForm: debian:12\n";
  const folder = await folderWith(t, { "a.def": text });
  const before = await runCli(["check", "--format", "json", "a.def"], folder);
  const fix = { title: "Write From", edits: [{ start: 18, end: 22, text: "From" }] };
  t.like(JSON.parse(before.stdout), [{ diagnostics: [{ fix }] }]);
  const { stdout } = await runCli(["check", "--fix", "--format", "json", "a.def"], folder);
  t.like(JSON.parse(stdout), [{ file: "a.def", diagnostics: [], fixed: [{ fix }] }]);
});

test("check --fix - prints the mended text and nothing else to standard output", async (t) => {
  const { stdout, stderr, exitCode } = await execa({
    input: "Bootstrap: docker\r\nForm: é:12\r\n",
    stripFinalNewline: false,
    reject: false,
  })(process.execPath, ["src/main.ts", "check", "--fix", "-"]);
  t.is(stdout, "Bootstrap: docker\r\nFrom: é:12\r\n");
  t.true(stderr.startsWith("-:2:1: fixed: Write From"), stderr);
  t.is(exitCode, 0);
});

test("format - formats what an editor pipes in", async (t) => {
  const { stdout } = await execa({ input: "bootstrap:docker\nFROM: debian:12\n" })(
    process.execPath,
    ["src/main.ts", "format", "-"],
  );
  t.is(stdout, "Bootstrap: docker\nFrom: debian:12");
});
