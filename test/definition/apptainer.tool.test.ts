import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { parseBuildArguments } from "../../src/definition/build-arguments.ts";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { copyByteWords, copyWords } from "./copy-words.ts";
import { randomDefinition, randomNumbers } from "./random-definition.ts";

/** How many definitions are compared; more are worth a try after a change (`DEFINITIONS=1000 npx ava …`). */
const count = Number(process.env["DEFINITIONS"] ?? "50");
const seed = Number(process.env["SEED"] ?? "1");

/** What is read, with the values of `--build-arg`. */
interface Sample {
  readonly bytes: Buffer;
  readonly flags: readonly string[];
}

/** Texts have one character for each byte. */
interface Reading {
  readonly isAccepted: boolean;
  readonly stored?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly help?: string | undefined;
  readonly environment?: string | undefined;
}

const flagLists: readonly (readonly string[])[] = [
  ["v=cli"],
  ["w={{ v }}-{{ w }}"],
  ['"v=1\nx: y"'],
  ['"w=1\n%help\nlate"', "v="],
  ["v=#!x,w=ü"],
  ["unused={{ v }}"],
  ["v"],
  ["nope=1"],
];

function sampleOf(index: number): Sample {
  const random = randomNumbers(seed * 100_000 + index);
  const text = Buffer.from(randomDefinition(random));
  const flags = flagLists[Math.floor(random() * flagLists.length * 2)] ?? [];
  if (random() > 0.15) return { bytes: text, flags };
  // A few bytes that are no UTF-8, or split what is.
  const at = Math.floor(random() * text.length);
  const byte = Buffer.from([0x80 + Math.floor(random() * 0x80)]);
  return { bytes: Buffer.concat([text.subarray(0, at), byte, text.subarray(at)]), flags };
}

const bytesAsText = (path: string) => readFile(path, "latin1").catch(() => undefined);

async function apptainerReads(sample: Sample, folder: string): Promise<Reading | undefined> {
  await mkdir(folder);
  await writeFile(join(folder, "x.def"), sample.bytes);
  const flags = sample.flags.flatMap((flag) => ["--build-arg", flag]);
  const run = await apptainer(["build", "--notest", "--sandbox", ...flags, "out", "x.def"], {
    cwd: folder,
  });
  // A piece of text that got below %files: the definition was read, and there is no such file.
  if (run.stderr.includes("unable to copy files from host")) return undefined;
  if (run.exitCode !== 0) return { isAccepted: false };
  const meta = join(folder, "out/.singularity.d");
  const labels = JSON.parse(await readFile(join(meta, "labels.json"), "utf8")) as object;
  const prefix = "org.label-schema.usage.singularity.deffile.";
  return {
    isAccepted: true,
    stored: await readFile(join(meta, "Singularity"), "latin1"),
    header: Object.fromEntries(
      Object.entries(labels)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), String(value)] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    help: await bytesAsText(join(meta, "runscript.help")),
    environment: await bytesAsText(join(meta, "env/90-environment.sh")),
  };
}

function weRead({ bytes, flags }: Sample): Reading & { readonly why: string } {
  const given = parseBuildArguments({ flags, files: [] });
  const read = readDefinition(bytes, {
    file: "x.def",
    agents: ["scratch"],
    buildArguments: given.buildArguments,
  });
  const all = [...given.diagnostics, ...read.diagnostics];
  const why = all.map(({ code, location }) => `${location.line} ${code}`).join(", ");
  const { definition } = read;
  const stage = definition?.stages.at(-1);
  const isRefused = given.diagnostics.some(({ severity }) => severity === "error");
  if (definition === undefined || stage === undefined || isRefused) {
    return { isAccepted: false, why };
  }
  const asBytes = (text: string) => Buffer.from(text, definition.encoding).toString("latin1");
  const body = (name: string) => {
    const section = stage.sections.find((one) => one.name === name);
    return section === undefined ? undefined : `${asBytes(section.body)}\n`;
  };
  return {
    isAccepted: true,
    stored: asBytes(definition.stored),
    header: Object.fromEntries(
      stage.header
        // JSON can't hold bytes that are no text; Go writes U+FFFD for each.
        .map(({ key, value }) => [key, shownByGo(asBytes(value))] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    help: body("help"),
    environment: body("environment"),
    why,
  };
}

const shownByGo = (bytes: string) => Buffer.from(bytes, "latin1").toString("utf8");

apptainerTest("Apptainer reads random definitions as we do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-definition-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const numbers = Array.from({ length: count }, (_, index) => index);
  let accepted = 0;
  const compare = async (index: number) => {
    const sample = sampleOf(index);
    const { why, ...ours } = weRead(sample);
    const own = join(folder, String(index));
    const theirs = await apptainerReads(sample, own);
    await rm(own, { recursive: true, force: true });
    if (theirs === undefined) return;
    if (theirs.isAccepted) accepted++;
    const { environment, ...rest } = theirs;
    const shown = `${index}: ${JSON.stringify(sample.bytes.toString())} ${JSON.stringify(sample.flags)} (${why})`;
    // The file that the base writes ends before our text starts, which nothing marks when there is none.
    t.deepEqual({ ...ours, environment: undefined }, { ...rest, environment: undefined }, shown);
    if (ours.environment !== undefined) t.true(environment?.endsWith(ours.environment), shown);
  };
  const worker = async () => {
    for (let index = numbers.shift(); index !== undefined; index = numbers.shift()) {
      await compare(index);
    }
  };
  await Promise.all([worker(), worker()]);
  t.true(accepted > count / 4, `${accepted} of ${count} were accepted`);
});

apptainerTest("Apptainer cuts lines of %files into the words that we do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-definition-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  // What can't be tried: a source with a quote alone is no word to the shell that Apptainer gives it to.
  const tried = copyWords.filter(([, source]) => !/['\\]/.test(source));
  t.true(tried.length > 10);
  const lines = tried.map(([line]) => line);
  for (const [, source] of tried) {
    await mkdir(dirname(join(folder, source)), { recursive: true });
    await writeFile(join(folder, source), source);
  }
  await mkdir(join(folder, "w"));
  for (const [index, line] of lines.entries()) {
    // Each in a build of its own: many have the same destination.
    const own = join(folder, "w", String(index));
    await writeFile(join(folder, "x.def"), `Bootstrap: scratch\n%files\n${line}\n`);
    const run = await apptainer(["build", "--sandbox", own, "x.def"], { cwd: folder });
    t.is(run.exitCode, 0, `${line}: ${run.stderr}`);
    const [, source = "", destination = ""] = tried[index] ?? [];
    await t.notThrowsAsync(access(join(own, destination)), `${line}: ${destination} is missing`);
    t.is(await readFile(join(own, destination), "utf8"), source, line);
    await rm(own, { recursive: true, force: true });
  }
});

apptainerTest("Apptainer sees in bytes of %files the white space that we do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-definition-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [line, source, destination] of copyByteWords) {
    const text = `Bootstrap: scratch\n%files\n${line}\n`;
    await writeFile(join(folder, "x.def"), text, "latin1");
    // It says what it copies, and then can't: its shell takes only UTF-8.
    const { stderr } = await apptainer(["build", "--sandbox", "out", "x.def"], { cwd: folder });
    const said = `Copying ${shownByGo(source)} to ${shownByGo(destination)}\n`;
    t.true(stderr.includes(said), `${JSON.stringify(line)}: ${stderr}`);
  }
});
