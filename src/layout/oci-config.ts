import { toByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { labelsFile } from "./labels.ts";
import { ociEnvironment } from "./oci-environment.ts";
import { ociRunscript } from "./oci-runscript.ts";
import { placeFile, type LayoutContext } from "./place.ts";

/** What an image takes from the `config` object of an OCI image configuration. */
export interface OciSettings {
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/**
 * Turns the configuration of an OCI base image into the files that stand for it: Env into
 * `env/10-docker2singularity.sh`, Entrypoint and Cmd into the runscript, Labels into `labels.json`. WorkingDir, User and
 * the rest have no counterpart: a container runs as its caller, in the caller's directory.
 * @throws {FormatError} `layout/oci-config` when the configuration holds what no environment or command line can
 */
export function applyOciConfig(tree: FileTree, config: OciSettings, context: LayoutContext): void {
  const entrypoint = texts("Entrypoint", config.Entrypoint);
  const cmd = texts("Cmd", config.Cmd);
  const env = texts("Env", config.Env);
  placeFile(tree, ".singularity.d/runscript", ociRunscript(entrypoint, cmd), 0o755, context);
  const environment = ociEnvironment(env);
  placeFile(tree, ".singularity.d/env/10-docker2singularity.sh", environment, 0o755, context);
  const pairs = Object.entries(config.Labels ?? {});
  texts("Labels", pairs.flat());
  const labels = new Map(pairs.map(([key, value]) => [toByteString(key), toByteString(value)]));
  placeFile(tree, ".singularity.d/labels.json", labelsFile(labels), 0o644, context);
}

/** The words as they are, or none; the configuration came over the network, so nothing about it is sure. */
function texts(member: string, words: readonly unknown[] | null | undefined): readonly string[] {
  const list = words ?? [];
  if (!Array.isArray(list)) throw unusable(member, "is not a list");
  return list.map((word: unknown) => {
    if (typeof word !== "string") throw unusable(member, "holds something that is not a text");
    if (word.includes("\0")) throw unusable(member, "holds a NUL character");
    return word;
  });
}

function unusable(member: string, what: string): FormatError {
  return new FormatError(
    "layout/oci-config",
    `${member} in the base image's configuration ${what}`,
    {
      hint: "the base image is damaged; build or fetch it again",
    },
  );
}
