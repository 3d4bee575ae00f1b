// What Apptainer 1.4.5 was seen to do with small definitions: `build --sandbox ARGS o d.def` in a folder of its own, as
// root. Each case is built here by the whole program. Where we differ on purpose, the list below says why.

import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { makeBusyboxRoot } from "../helpers/busybox-root.ts";
import { image, layer, layoutFiles, writeFiles } from "../helpers/oci-image.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { archive, entry } from "../helpers/tar.ts";
import { hostTest } from "../helpers/tool.ts";

interface Member {
  readonly n: string;
  /** d, l (symlink), h (hard link); a file without. */
  readonly t?: "f" | "d" | "l" | "h";
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly link?: string;
  readonly data?: string;
}

interface ExpectedFile {
  readonly content?: string;
  readonly starts?: string;
  readonly ends?: string;
  readonly lines?: readonly string[];
  readonly not_contains?: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly link?: string;
  readonly type?: "file" | "dir" | "link";
  readonly absent?: boolean;
}

interface Expectation {
  readonly error?: { readonly category: string };
  readonly files?: Readonly<Record<string, ExpectedFile>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly labels_absent?: readonly string[];
  readonly stdout?: readonly string[];
  readonly stdout_not?: readonly string[];
  readonly warnings?: readonly string[];
}

interface Case {
  readonly id: string;
  readonly definition?: string;
  readonly definition_parts?: readonly { readonly text: string; readonly repeat?: number }[];
  readonly args?: readonly string[];
  readonly base_rootfs?: string;
  readonly host_files?: Readonly<Record<string, string>>;
  readonly host_setup?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly oci_image?: {
    readonly layout: string;
    readonly config: object;
    readonly arch: string;
    readonly layers: "base" | readonly (readonly Member[])[];
  };
  readonly expect: Expectation;
}

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, "conformance.json"), "utf8"),
) as readonly Case[];

/** Which of our codes stand for what Apptainer's messages were sorted by. */
const categories: Readonly<Record<string, RegExp>> = {
  "agent.header": /^definition\//,
  "agent.localimage": /^source\//,
  // The cases are of a machine without the program; where it is, it fails at an address that is none.
  "agent.tool": /^(host\/program-missing|source\/bootstrap-failed)$/,
  "args.syntax": /^usage\/build-argument$/,
  "flag.arch": /^usage\/architecture$/,
  "flag.section": /^usage\/section$/,
  "target.exists": /^target\/exists$/,
  "target.foreign": /^target\/not-a-sandbox$/,
  "target.update": /^target\/missing$/,
  "script.post": /^(script\/|definition\/)/,
  "files.expand": /^(files|definition)\//,
  usage: /^usage\//,
};

const usualCategories: readonly (readonly [RegExp, RegExp])[] = [
  [/^(parse|args|build|stage)\./, /^definition\//],
  [/^files\./, /^files\//],
  [/^script\./, /^script\//],
  [/^oci\./, /^(source|definition)\//],
];

interface Difference {
  readonly why: string;
  readonly expect: Expectation;
}

/** Where we do otherwise on purpose. */
const otherwise: Readonly<Record<string, Difference>> = {
  "lay-localimage-no-from": {
    why: "nobody means the working directory by leaving From out",
    expect: { error: { category: "agent.header" } },
  },
  "stage-forward-reference": {
    why: "the order of stages is checked before anything is built",
    expect: { error: { category: "stage.notfound" } },
  },
  "sec-66k": { why: "sections may have any length", expect: {} },
  "hdr-too-long": { why: "headers may have any length", expect: {} },
  "run-section-flag-test-action": {
    why: "a test that is not there runs without a word about it",
    expect: { files: { ".singularity.d/test": { absent: true } } },
  },
  "oci-resolv-dangling": {
    why: "the link is replaced by an empty file",
    expect: { files: { "etc/resolv.conf": { type: "file", content: "" } } },
  },
  "oci-fix-perms-drops-special-bits": {
    why: "set-id and sticky bits stay",
    expect: {
      files: {
        tmp: { mode: "1777" },
        sg: { mode: "2755" },
        np: { mode: "0700" },
        "np/f": { mode: "0600" },
      },
    },
  },
};

test("there are cases", (t) => {
  t.true(cases.length > 200);
  for (const id of Object.keys(otherwise)) t.true(cases.some((one) => one.id === id));
});

for (const one of cases) {
  const difference = otherwise[one.id];
  const title = difference === undefined ? one.id : `${one.id}, otherwise: ${difference.why}`;
  hostTest("root", process.geteuid?.() === 0, title, async (t) => {
    // The name of the folder is in what one case prints.
    const folder = join(await scratch(t), "w");
    mkdirSync(folder);
    await setUp(folder, one);
    const args = (one.args ?? []).map((word) => word.replaceAll("$CWD", folder));
    const words = ["build", "--sandbox", ...args, "o", "d.def"];
    const result = await runCli(words, folder, { PATH: process.env["PATH"], ...one.env });
    check(t, join(folder, "o"), difference?.expect ?? one.expect, result);
  });
}

async function setUp(folder: string, one: Case): Promise<void> {
  if (one.base_rootfs !== undefined || one.oci_image?.layers === "base") {
    makeBusyboxRoot(join(folder, one.base_rootfs ?? "base"));
  }
  for (const [name, content] of Object.entries(one.host_files ?? {})) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  if (one.host_setup !== undefined) {
    execFileSync("/bin/sh", ["-ec", one.host_setup], { cwd: folder });
  }
  if (one.oci_image !== undefined) await writeLayout(folder, one.oci_image);
  const parts = one.definition_parts ?? [{ text: one.definition ?? "" }];
  writeFileSync(
    join(folder, "d.def"),
    parts.map(({ text, repeat }) => text.repeat(repeat ?? 1)).join(""),
  );
}

async function writeLayout(folder: string, wanted: NonNullable<Case["oci_image"]>): Promise<void> {
  const tars =
    wanted.layers === "base"
      ? [execFileSync("tar", ["-C", join(folder, "base"), "-cf", "-", "."], { maxBuffer: 1 << 28 })]
      : wanted.layers.map((members) => archive(...members.map(memberOf)));
  const made = image(
    tars.map((tar) => layer(tar)),
    { platform: `linux/${wanted.arch}`, config: wanted.config },
  );
  await writeFiles(join(folder, wanted.layout), layoutFiles([made.manifest], made.blobs));
}

function memberOf({ n, t = "f", mode = 0o644, uid = 0, gid = 0, link, data = "" }: Member): Buffer {
  const type = { f: "0", d: "5", l: "2", h: "1" }[t];
  return entry({ name: n, type, mode, uid, gid, linkName: link ?? "" }, t === "f" ? data : "");
}

function check(
  t: ExecutionContext,
  root: string,
  expected: Expectation,
  result: Awaited<ReturnType<typeof runCli>>,
): void {
  const { error, stdout, stderr } = result;
  if (expected.error !== undefined) {
    const { category } = expected.error;
    const usual = usualCategories.find(([name]) => name.test(category))?.[1];
    t.regex(error?.code ?? "(no error)", categories[category] ?? usual ?? /never/);
    return;
  }
  t.is(error, undefined, `${error?.message}\n${stderr}`);
  for (const text of expected.stdout ?? [])
    t.true(stdout.includes(text), `${text} not in ${stdout}`);
  for (const text of expected.stdout_not ?? []) t.false(stdout.includes(text), stdout);
  for (const [name, file] of Object.entries(expected.files ?? {})) checkFile(t, root, name, file);
  const labels = () =>
    JSON.parse(readFileSync(join(root, ".singularity.d/labels.json"), "utf8")) as object;
  if (expected.labels !== undefined) t.like(labels(), expected.labels);
  for (const key of expected.labels_absent ?? []) t.false(key in labels());
  if (expected.warnings !== undefined) t.regex(stderr, /WARNING: /);
}

function checkFile(t: ExecutionContext, root: string, name: string, expected: ExpectedFile): void {
  const path = join(root, name);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (expected.absent === true || stats === undefined) {
    t.is(
      stats === undefined,
      expected.absent === true,
      `${name} is ${stats === undefined ? "missing" : "there"}`,
    );
    return;
  }
  const { content, starts, ends, lines, link, mode, owner, type } = expected;
  if (link !== undefined) t.is(readlinkSync(path), link, name);
  if (mode !== undefined) t.is((stats.mode & 0o7777).toString(8).padStart(4, "0"), mode, name);
  if (owner !== undefined) t.is(`${stats.uid}:${stats.gid}`, owner, name);
  if (type !== undefined) {
    t.is(stats.isFile() ? "file" : stats.isDirectory() ? "dir" : "link", type, name);
  }
  const text = () => readFileSync(path, "utf8");
  if (content !== undefined) t.is(text(), content, name);
  if (starts !== undefined) t.true(text().startsWith(starts), `${name}: ${text()}`);
  if (ends !== undefined) t.true(text().endsWith(ends), `${name}: ${text()}`);
  for (const line of lines ?? []) t.true(text().split("\n").includes(line), `${name}: ${text()}`);
  if (expected.not_contains !== undefined) t.false(text().includes(expected.not_contains), name);
}
