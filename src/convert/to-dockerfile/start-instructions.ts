// What a container starts. The scripts lie in a folder of their own: at Apptainer's places, /.singularity.d/runscript for
// one, a build that takes the image for its base would write scripts that start themselves.

import { scriptText } from "../../layout/script-text.ts";
import { fields } from "../../definition/white-space.ts";
import type { Section } from "../../model/definition.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";
import { runScript, writeFile, type RunContext } from "./run-script.ts";
import { startCommand } from "./start-command.ts";

const folder = "/.tsbuild";

/** What `%post` writes for `%environment`. */
export const environmentFile = `${folder}/environment.sh`;

/** What starts programs with the variables that need a shell. */
export const environmentStarter = `${folder}/with-environment`;

/** Lines that read the file. */
export const readEnvironment = `[ ! -e ${environmentFile} ] || . ${environmentFile}\n`;

/**
 * ENTRYPOINT and CMD for `%runscript`, without a file where the script does no more than start a program, and the file
 * for `%startscript`.
 * @param environment lines for a shell that are to be run before
 */
export function startInstructions(
  scripts: { readonly runscript: Section | undefined; readonly startscript: Section | undefined },
  environment: string,
  marks: Marks,
  losses: Losses,
): string[] {
  const { runscript, startscript } = scripts;
  const lines: string[] = [];
  const before: string[] = [];
  if (environment !== "") {
    const path = environmentStarter;
    lines.push(...writeFile(path, `#!/bin/sh\n${environment}exec "$@"\n`, marks));
    before.push(path);
  }
  if (startscript !== undefined) {
    const path = `${folder}/startscript`;
    lines.push(...writeFile(path, scriptText(startscript), marks));
    losses.differs(
      startscript.location,
      "Docker has no instances, and nothing starts the startscript by itself",
      `docker run -d --entrypoint ${[...before, path][0]} IMAGE ${[...before, path].slice(1).join(" ")}`.trim(),
    );
  }
  if (runscript === undefined) return lines;
  const options = runscript.argument.split("#", 1)[0] ?? "";
  const command = startCommand(runscript.body, options, marks);
  if (command !== undefined) {
    lines.push(`ENTRYPOINT ${list([...before, ...command.entrypoint])}`);
    if (command.cmd !== undefined) lines.push(`CMD ${list(command.cmd)}`);
    return lines;
  }
  const path = `${folder}/runscript`;
  lines.push(...writeFile(path, scriptText(runscript), marks));
  lines.push(`ENTRYPOINT ${list([...before, path])}`);
  return lines;
}

const list = (words: readonly string[]) =>
  `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;

/** `%test` as the last RUN, which ends the build when it fails, as it does with Apptainer. */
export function testInstructions(
  test: Section | undefined,
  environment: string,
  context: RunContext & { readonly losses: Losses },
): string[] {
  if (test === undefined) return [];
  context.losses.differs(
    test.location,
    "%test runs in the build only, and what it writes stays in the image",
    "let it remove what it makes; run it later with docker run --entrypoint",
  );
  const interpreter = /^\s*#!\s*([^\n]*)/.exec(test.body)?.[1]?.trim();
  const options = fields(test.argument.split("#", 1)[0] ?? "");
  const command = interpreter === undefined ? undefined : [interpreter, ...options].join(" ");
  const body = interpreter === undefined ? environment + test.body : test.body;
  return runScript({ body, options: command === undefined ? options : [], command }, context);
}
