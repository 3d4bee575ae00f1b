// The JSON that `apptainer inspect --all --json` prints, which a SIF also keeps as its object `inspect-metadata.json`:
//
//   {"data":{"attributes":{
//      "apps":{NAME:{"environment":{FILE:TEXT},"labels":{},"runscript":"","startscript":"","test":"","helpfile":""}},
//      "environment":{FILE:TEXT},"labels":{},
//      "runscript":"","test":"","helpfile":"","deffile":"","startscript":""}},"type":"container"}
//
// and, only in that object, `,"tsbuild":{"format":1}` before the end, which Apptainer passes over,
//
// on one line, in this order, with Go's escapes, texts without the line feeds at their end and empty members left out.

import type { ByteString } from "../model/bytes-path.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { goObject, goString } from "./go-json.ts";
import { readLabels } from "./labels.ts";
import { placeOf } from "./place.ts";
import { maxMetadataBytes, readMetadata, tooLarge, type ReadNode } from "./read-metadata.ts";

/**
 * What an image says about itself, as one line of JSON, from the files in its tree.
 * @param format the output format of the image that is being made, if it is to say it
 * @throws {FormatError} `layout/labels`, `layout/metadata-too-large`
 */
export async function inspectMetadata(
  tree: FileTree,
  readNode: ReadNode,
  format?: number,
): Promise<string> {
  const read = reader(tree, readNode);
  const own = ".singularity.d";
  const attributes = object([
    ["apps", await appsOf(tree, read)],
    [
      "environment",
      await read.environment(`${own}/env`, /^10-docker.*\.sh$|^9.*-environment\.sh$/s),
    ],
    ["labels", await read.labels(`${own}/labels.json`)],
    ["runscript", await read.text(`${own}/runscript`)],
    ["test", await read.text(`${own}/test`)],
    ["helpfile", await read.text(`${own}/runscript.help`)],
    ["deffile", await read.text(`${own}/Singularity`)],
    ["startscript", await read.text(`${own}/startscript`)],
  ]);
  const end = format === undefined ? "" : `,"tsbuild":{"format":${format}}`;
  return `{"data":{"attributes":${attributes}},"type":"container"${end}}`;
}

async function appsOf(tree: FileTree, read: ReturnType<typeof reader>): Promise<string> {
  const apps = tree.lookup(placeOf(tree, "scif/apps"));
  if (!(apps instanceof Directory)) return "{}";
  const members: [string, string][] = [];
  for (const [name, app] of apps.sorted()) {
    if (!(app instanceof Directory) || !app.children.has("scif")) continue;
    const meta = `scif/apps/${name}/scif`;
    const json = object([
      ["environment", await read.environment(`${meta}/env`, /^9.*-environment\.sh$/s)],
      ["labels", await read.labels(`${meta}/labels.json`)],
      ["runscript", await read.text(`${meta}/runscript`)],
      ["startscript", await read.text(`${meta}/startscript`)],
      ["test", await read.text(`${meta}/test`)],
      ["helpfile", await read.text(`${meta}/runscript.help`)],
    ]);
    members.push([name, json]);
  }
  return object(members);
}

/** Reads members; each comes as JSON, `""` or `{}` when there is nothing. */
function reader(tree: FileTree, readNode: ReadNode) {
  let total = 0;
  const read = async (path: ByteString) => {
    const text = await readMetadata(tree, path, readNode);
    total += text?.length ?? 0;
    // Many files of a hostile image, each of an allowed size, must not fill the memory either.
    if (total > 4 * maxMetadataBytes) throw tooLarge("all metadata", total, 4 * maxMetadataBytes);
    return text;
  };
  const content = async (path: ByteString) => (await read(path))?.replace(/\n+$/, "") ?? "";
  return {
    text: async (path: ByteString) => goString(await content(path)),
    labels: async (path: ByteString) => {
      const json = await read(path);
      return json === undefined ? "{}" : goObject(readLabels(json, path), "compact");
    },
    environment: async (path: ByteString, wanted: RegExp) => {
      const folder = tree.lookup(placeOf(tree, path));
      if (!(folder instanceof Directory)) return "{}";
      const texts = new Map<ByteString, ByteString>();
      for (const name of folder.children.keys()) {
        if (wanted.test(name)) texts.set(`/${path}/${name}`, await content(`${path}/${name}`));
      }
      return goObject(texts, "compact");
    },
  };
}

/** An object in the order given, without empty members. */
function object(members: readonly (readonly [name: ByteString, json: string])[]): string {
  const lines = members
    .filter(([, json]) => json !== '""' && json !== "{}")
    .map(([name, json]) => `${goString(name)}:${json}`);
  return `{${lines.join(",")}}`;
}
