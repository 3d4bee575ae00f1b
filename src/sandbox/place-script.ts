import { chmodSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { TextEncoding } from "../model/definition.ts";
import type { Script } from "../model/plan.ts";
import { shellWord } from "../system/shell-command.ts";
import { resolveInRoot } from "./resolve-in-root.ts";

/** A script where its interpreter finds it. Disposing takes it away if it was put there. */
export interface PlacedScript extends Disposable {
  /** What runs it, inside; undefined when there is nothing to run. */
  readonly command: readonly string[] | undefined;
  /** What the shell calls it. */
  readonly file: string;
  /** The text of the file. */
  readonly text: string;
  /** How many lines precede the definition's in the file. */
  readonly lineOffset: number;
}

const postFile = "/.post.script";
const testFile = "/.singularity.d/test";

/** Writes `%post` into the root, as Apptainer does, or finds the test that was written there with the metadata. */
export function placeScript(
  script: Script,
  rootFolder: string,
  encoding: TextEncoding = "utf8",
): PlacedScript {
  if (script.section === "test") return findTest(script, rootFolder);
  const onDisk = rootFolder + postFile;
  // What the base image has under this name may be a link to anywhere.
  rmSync(onDisk, { recursive: true, force: true });
  writeFileSync(onDisk, script.body, { flag: "wx", encoding });
  chmodSync(onDisk, 0o755);
  return {
    command: interpreterCommand(script, postFile),
    file: postFile,
    text: script.body,
    lineOffset: 0,
    [Symbol.dispose]: () => {
      rmSync(onDisk, { recursive: true, force: true });
    },
  };
}

/** `/bin/sh -ex [OPTION…] FILE`, or `/bin/sh -ex -c "WORD… FILE"`. */
export function interpreterCommand({ interpreter }: Script, file: string): string[] {
  return interpreter.kind === "options"
    ? ["/bin/sh", "-ex", ...interpreter.words, file]
    : ["/bin/sh", "-ex", "-c", `${interpreter.text} ${shellWord(file)}`];
}

/** The file is `SHEBANG, empty line, body`, and the shebang may be the body's first line. */
function findTest(script: Script, rootFolder: string): PlacedScript {
  const { path } = resolveInRoot(rootFolder, testFile);
  const onDisk = rootFolder + path;
  const stats = lstatSync(onDisk, { throwIfNoEntry: false });
  const isExecutable = stats?.isFile() === true && (stats.mode & 0o111) !== 0;
  return {
    command: isExecutable ? [testFile] : undefined,
    file: testFile,
    text: isExecutable ? readFileSync(onDisk, "latin1") : "",
    lineOffset: script.body.startsWith("#!") ? 1 : 2,
    [Symbol.dispose]: () => {},
  };
}
