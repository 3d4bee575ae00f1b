// The configuration of an OCI image that behaves as the SIF image does: what `run` does there is the entrypoint here.
//
// A runscript that was made of an OCI image's Entrypoint and Cmd goes back to those. Any other gets a starter, with copies of
// what it starts: builders of SIF images that start from an OCI image write scripts of their own over
// /.singularity.d/runscript and env/90-environment.sh, so an entrypoint that was that file would start itself for ever.
//
//   .singularity.d/oci/entrypoint     sets up the environment and starts the runscript
//   .singularity.d/oci/runscript      the image's own
//   .singularity.d/oci/environment    the image's env/90-environment.sh

import { readLabels } from "../layout/labels.ts";
import { placeOf } from "../layout/place.ts";
import { readMetadata, type ReadNode } from "../layout/read-metadata.ts";
import { toByteString, type ByteString } from "../model/bytes-path.ts";
import type { FileNode } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { literalExports } from "./literal-exports.ts";

/** The `config` object of an OCI image configuration, as far as it is looked at; the rest is kept. */
export interface ConfigObject {
  readonly [member: string]: unknown;
}

export interface ImageForOci {
  /** The image's tree, with what the configuration refers to. */
  readonly tree: FileTree;
  readonly config: ConfigObject;
}

/** What every image has: without effect on a program that is started by name, or the runtime's own business. */
const commonScripts = new Set([
  "01-base.sh",
  "10-docker2singularity.sh",
  "90-environment.sh",
  "94-appsbase.sh",
  "95-apps.sh",
  "99-base.sh",
  "99-runtimevars.sh",
]);

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** In a SIF image the runtime has read its scripts, and the builder has put another in the place of one of them. */
const starterText = (folder: string, runs: boolean) => `#!/bin/sh
if [ -n "\${APPTAINER_CONTAINER:-}\${SINGULARITY_CONTAINER:-}" ]; then
    . /${folder}/environment
else
    for environment_script in /.singularity.d/env/*.sh; do
        if [ -f "\${environment_script}" ]; then
            . "\${environment_script}"
        fi
    done
    unset environment_script
fi
${runs ? `exec /${folder}/runscript "$@"` : `[ $# -gt 0 ] || set -- /bin/sh\nexec "$@"`}
`;

/**
 * What an image becomes as an OCI image.
 * @param base the `config` object that the image was made from, where it was an OCI image
 * @param timeSeconds of what is added to the tree
 * @throws {FormatError} `layout/labels`, `layout/metadata-too-large`, and what `readNode` throws
 */
export async function imageForOci(
  image: FileTree,
  base: ConfigObject | undefined,
  timeSeconds: number,
  readNode: ReadNode,
): Promise<ImageForOci> {
  const text = async (path: string) =>
    utf8((await readMetadata(image, toByteString(path), readNode)) ?? "");
  const environment = await text(".singularity.d/env/90-environment.sh");
  const labels = await text(".singularity.d/labels.json");
  const runscript = await text(".singularity.d/runscript");
  const config = {
    ...base,
    Env: withExports(base?.["Env"], literalExports(environment)),
    Labels: labels === "" ? (base?.["Labels"] ?? {}) : labelsIn(labels),
  };
  const isOwn = await hasOwnEnvironment(image, environment, text);
  if (base !== undefined && isOciRunscript(runscript) && !isOwn) return { tree: image, config };
  if (!hasStatements(runscript) && !isOwn) {
    return { tree: image, config: without(config, ["Entrypoint", "Cmd"]) };
  }
  const folder = freeFolder(image);
  return {
    tree: withStarter(image, folder, hasStatements(runscript), timeSeconds),
    config: { ...without(config, ["Cmd"]), Entrypoint: [`/${folder}/entrypoint`] },
  };
}

const nameOf = (entry: string) => entry.split("=")[0] ?? "";
const utf8 = (bytes: ByteString) => Buffer.from(bytes, "latin1").toString("utf8");

/** Names are set once; what the image exports by itself goes before the base's. */
function withExports(base: unknown, exports: ReadonlyMap<string, string>): string[] {
  const before = Array.isArray(base)
    ? base.filter((one): one is string => typeof one === "string")
    : [defaultPath];
  return [
    ...before.filter((entry) => !exports.has(nameOf(entry))),
    ...[...exports].map(([name, value]) => `${name}=${value}`),
  ];
}

function labelsIn(json: string): Record<string, string> {
  const labels = readLabels(toByteString(json), toByteString(".singularity.d/labels.json"));
  const pairs = [...labels].map(([key, value]) => [utf8(key), utf8(value)] as const);
  return Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a script does anything: comments and blank lines don't. */
function hasStatements(script: string): boolean {
  return script.split("\n").some((line) => !/^\s*(?:#.*)?$/.test(line));
}

/** All builders write these two lines, which runtimes look for. */
function isOciRunscript(script: string): boolean {
  return /^OCI_ENTRYPOINT=/m.test(script) && /^OCI_CMD=/m.test(script);
}

/** Whether there is more to the environment than what Env holds. */
async function hasOwnEnvironment(
  tree: FileTree,
  environment: string,
  text: (path: string) => Promise<string>,
): Promise<boolean> {
  const rest = environment.split("\n").filter((line) => literalExports(line).size === 0);
  if (hasStatements(rest.join("\n"))) return true;
  const folder = tree.lookup(toByteString(".singularity.d/env"));
  for (const [name] of folder instanceof Directory ? folder.sorted() : []) {
    if (!name.endsWith(".sh")) continue;
    if (name === "94-appsbase.sh" || !commonScripts.has(name)) {
      if (hasStatements(await text(`.singularity.d/env/${name}`))) return true;
    }
  }
  return false;
}

/** An image that was pushed before has a starter already, which its runscript starts. */
function freeFolder(tree: FileTree): string {
  for (let number = 1; ; number++) {
    const folder = `.singularity.d/oci${number === 1 ? "" : number}`;
    if (tree.get(toByteString(folder)) === undefined) return folder;
  }
}

/** The tree with a starter. What it starts are files of their own and no hard links: Apptainer writes through those. */
function withStarter(
  image: FileTree,
  folder: string,
  runs: boolean,
  mtimeSeconds: number,
): FileTree {
  const tree = image.clone();
  const attributes = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds };
  const put = (name: string, node: FileNode) =>
    tree.put(toByteString(`${folder}/${name}`), node, { type: "directory", ...attributes });
  const text = (script: string): FileNode => {
    const bytes = Buffer.from(script);
    return {
      type: "file",
      ...attributes,
      sizeBytes: bytes.length,
      content: { kind: "bytes", bytes },
    };
  };
  const copyOf = (path: string): FileNode => {
    const node = image.get(placeOf(image, toByteString(path)));
    return node?.type === "file" ? { ...node } : text("#!/bin/sh\n");
  };
  put("entrypoint", text(starterText(folder, runs)));
  put("environment", copyOf(".singularity.d/env/90-environment.sh"));
  if (runs) put("runscript", copyOf(".singularity.d/runscript"));
  return tree;
}

function without(object: ConfigObject, members: readonly string[]): ConfigObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !members.includes(name)));
}
