import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { readDefinition } from "../../src/definition/read-definition.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { randomDefinition, randomNumbers } from "./random-definition.ts";

/** How many definitions are compared; more are worth a try after a change (`DEFINITIONS=1000 npx ava …`). */
const count = Number(process.env["DEFINITIONS"] ?? "60");
const seed = Number(process.env["SEED"] ?? "1");

interface Reading {
  readonly isAccepted: boolean;
  readonly stored?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly help?: string | undefined;
  readonly environment?: string | undefined;
}

const textOf = (path: string) => readFile(path, "utf8").catch(() => undefined);

async function apptainerReads(definition: string, folder: string): Promise<Reading | undefined> {
  await mkdir(folder);
  await writeFile(join(folder, "x.def"), definition);
  const run = await apptainer(["build", "--notest", "--sandbox", "out", "x.def"], { cwd: folder });
  // A piece of text that got below %files: the definition was read, and there is no such file.
  if (run.stderr.includes("unable to copy files from host")) return undefined;
  if (run.exitCode !== 0) return { isAccepted: false };
  const meta = join(folder, "out/.singularity.d");
  const labels = JSON.parse((await textOf(join(meta, "labels.json"))) ?? "{}") as object;
  const prefix = "org.label-schema.usage.singularity.deffile.";
  return {
    isAccepted: true,
    stored: await readFile(join(meta, "Singularity"), "utf8"),
    header: Object.fromEntries(
      Object.entries(labels)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), String(value)])
        .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    ),
    help: await textOf(join(meta, "runscript.help")),
    environment: (await textOf(join(meta, "env/90-environment.sh")))?.replace(/^[^]*?\n\n/, ""),
  };
}

const ended = (text: string | undefined) => (text === undefined ? undefined : `${text}\n`);

function weRead(definition: string): Reading & { readonly why: string } {
  const read = readDefinition(Buffer.from(definition), { file: "x.def", agents: ["scratch"] });
  const why = read.diagnostics.map(({ code, location }) => `${location.line} ${code}`).join(", ");
  const stage = read.definition?.stages.at(-1);
  if (stage === undefined) return { isAccepted: false, why };
  const body = (name: string) => stage.sections.find((section) => section.name === name)?.body;
  return {
    isAccepted: true,
    stored: read.definition?.stored ?? "",
    header: Object.fromEntries(
      stage.header
        .map(({ key, value }) => [key, value] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    help: ended(body("help")),
    environment: ended(body("environment")),
    why,
  };
}

apptainerTest("Apptainer reads random definitions as we do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-definition-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const numbers = Array.from({ length: count }, (_, index) => index);
  let accepted = 0;
  const compare = async (index: number) => {
    const definition = randomDefinition(randomNumbers(seed * 100_000 + index));
    const { why, ...ours } = weRead(definition);
    const theirs = await apptainerReads(definition, join(folder, String(index)));
    if (theirs === undefined) return;
    if (theirs.isAccepted) accepted++;
    const { environment, ...rest } = theirs;
    const shown = `${index}: ${JSON.stringify(definition)} (${why})`;
    // The file that the base writes ends before our text starts, which nothing marks when there is none.
    t.deepEqual({ ...ours, environment: undefined }, { ...rest, environment: undefined }, shown);
    if (ours.environment !== undefined) t.true(environment?.endsWith(ours.environment), shown);
    await rm(join(folder, String(index)), { recursive: true, force: true });
  };
  const worker = async () => {
    for (let index = numbers.shift(); index !== undefined; index = numbers.shift()) {
      await compare(index);
    }
  };
  await Promise.all([worker(), worker()]);
  t.true(accepted > count / 4, `${accepted} of ${count} were accepted`);
});
