import type { ByteString } from "../model/bytes-path.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { MetadataTexts } from "../model/plan.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { Directory } from "../tree/file-tree.ts";
import { automaticLabels, type LabelFacts } from "./automatic-labels.ts";
import { labelsFile, parseLabels, readLabels } from "./labels.ts";
import { ensureDirectory, placeFile, placeOf, type LayoutContext } from "./place.ts";
import { readMetadata, type ReadNode } from "./read-metadata.ts";
import { scriptText } from "./script-text.ts";

export interface MetadataInput extends LayoutContext {
  readonly texts: MetadataTexts;
  /** The definition as the image keeps it, and how it and the texts become bytes. */
  readonly stored: string;
  readonly encoding: TextEncoding;
  readonly labels: Omit<LabelFacts, "hasHelp">;
  /** Labels and help of the definition take the place of the base image's (`--force`). */
  readonly force: boolean;
}

/** Something that a user may not expect. `code` has its page in docs/errors. */
export interface LayoutWarning {
  readonly code: string;
  readonly message: string;
}

const folder = ".singularity.d";

/**
 * Writes what an image says about itself, once `%post` is through: help, labels, the definition, environment and scripts
 * under `/.singularity.d`. `/.build.labels` is read but stays, for `cleanUp` to take away.
 * @throws {FormatError} `layout/labels`, `layout/metadata-too-large` when the base image's own metadata can't be read
 */
export async function writeMetadata(
  tree: FileTree,
  input: MetadataInput,
  readNode: ReadNode,
): Promise<readonly LayoutWarning[]> {
  const warnings: LayoutWarning[] = [];
  const { texts } = input;
  const bytes = (text: string) => Buffer.from(text, input.encoding);
  const write = (path: ByteString, text: string, mode: number) => {
    placeFile(tree, `${folder}/${path}`, bytes(text), mode, input);
  };

  if (texts.help !== undefined) writeHelp(tree, `${texts.help}\n`, input, warnings);
  await writeLabels(tree, input, readNode, warnings);
  await appendEnvironment(tree, input, readNode);
  keepOldDefinition(tree, input);
  write("Singularity", input.stored, 0o644);
  for (const name of ["startscript", "runscript", "test"] as const) {
    const text = texts[name];
    if (text !== undefined) write(name, scriptText(text), 0o755);
  }
  return warnings;
}

function writeHelp(
  tree: FileTree,
  text: string,
  input: MetadataInput,
  warnings: LayoutWarning[],
): void {
  const path = `${folder}/runscript.help`;
  if (tree.get(placeOf(tree, path)) !== undefined && !input.force) {
    warnings.push({
      code: "layout/help-exists",
      message: "Help message already exists and force option is false, not overwriting",
    });
  } else placeFile(tree, path, Buffer.from(text, input.encoding), 0o644, input);
}

/** Weakest first: the base image's, those that `%post` left; automatic ones; and the definition's where none is yet. */
async function writeLabels(
  tree: FileTree,
  input: MetadataInput,
  readNode: ReadNode,
  warnings: LayoutWarning[],
): Promise<void> {
  const path = `${folder}/labels.json`;
  const existing = await readMetadata(tree, path, readNode);
  const labels = readLabels(existing ?? "null", path);
  const fromPost = await readMetadata(tree, ".build.labels", readNode);
  const { texts } = input;
  const facts = { ...input.labels, hasHelp: texts.help !== undefined };
  const stronger = [parseLabels(fromPost ?? ""), automaticLabels(facts, input.encoding)];
  for (const [key, value] of stronger.flatMap((more) => [...more])) labels.set(key, value);
  const own = Buffer.from(texts.labels ?? "", input.encoding).toString("latin1");
  for (const [key, value] of parseLabels(own)) {
    if (labels.has(key) && !input.force) {
      const shown = Buffer.from(key, "latin1").toString(input.encoding);
      warnings.push({
        code: "layout/label-exists",
        message: `Label: ${shown} already exists and force option is false, not overwriting`,
      });
    } else labels.set(key, value);
  }
  placeFile(tree, path, labelsFile(labels), 0o644, input);
}

/** The environment of the definition comes behind that of the base image. */
async function appendEnvironment(
  tree: FileTree,
  input: MetadataInput,
  readNode: ReadNode,
): Promise<void> {
  const { environment } = input.texts;
  if (environment === undefined) return;
  const path = `${folder}/env/90-environment.sh`;
  const existing = (await readMetadata(tree, path, readNode)) ?? "#!/bin/sh\n";
  const text = Buffer.concat([
    Buffer.from(existing, "latin1"),
    Buffer.from(`\n${environment}\n`, input.encoding),
  ]);
  placeFile(tree, path, text, 0o755, input);
}

/** The definition of the base image goes to `bootstrap_history`, so that the whole way to an image can be read in it. */
function keepOldDefinition(tree: FileTree, input: MetadataInput): void {
  const from = placeOf(tree, folder);
  const old = tree.lookup(`${from}/Singularity`);
  if (old === undefined) return;
  ensureDirectory(tree, `${folder}/bootstrap_history`, input);
  const history = placeOf(tree, `${folder}/bootstrap_history`);
  const kept = tree.lookup(history);
  let number = kept instanceof Directory ? kept.children.size : 0;
  while (tree.get(`${history}/Apptainer${number}`) !== undefined) number += 1;
  tree.remove(`${from}/Singularity`);
  if (!(old instanceof Directory)) tree.put(`${history}/Apptainer${number}`, old);
}
