import { existsSync } from "node:fs";
import { bytesOf, displayName, toByteString } from "../model/bytes-path.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { App } from "../model/plan.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { copyError, shown } from "./copy-error.ts";
import { joined, lastName, resolveFor } from "./destination.ts";
import { HostCopier } from "./host-copier.ts";

export interface AppCopyOptions {
  /** Where relative sources start: the working directory of the build. */
  readonly folder: string;
  readonly timeSeconds: number;
  /** As for `copyFromHost`. */
  readonly umask?: number | undefined;
  readonly encoding?: TextEncoding | undefined;
}

/**
 * `%appfiles`: each line is a `cp -fLr SOURCE /scif/apps/NAME/DESTINATION`, with nothing expanded and no folder made. The
 * app's folder has to be there.
 * @throws {ScriptError} as `copyFromHost`; `files/target` for a folder that is missing in the image
 */
export async function copyAppFiles(
  tree: FileTree,
  app: App,
  options: AppCopyOptions,
): Promise<void> {
  const { folder, timeSeconds, umask = 0o002, encoding } = options;
  const copier = new HostCopier(tree, { timeSeconds, umask });
  const toBytes = (text: string) => Buffer.from(text, encoding ?? "utf8").toString("latin1");
  for (const line of app.files) {
    const source = toBytes(line.source);
    const path = source.startsWith("/") ? source : `${toByteString(folder)}/${source}`;
    if (!existsSync(bytesOf(path))) {
      throw copyError(
        "missing",
        line,
        `can't copy ${displayName(source)}: there is no such file or folder`,
        "in %appfiles names are taken literally: no wildcards, quotes or variables",
      );
    }
    const wanted = toBytes(`scif/apps/${app.name}/${line.destination}`);
    const { path: at, held } = resolveFor(tree, wanted, line);
    const isInside = held instanceof Directory;
    const to =
      isInside && ![".", ".."].includes(lastName(source)) ? joined(at, lastName(source)) : at;
    const parent = to.slice(0, Math.max(to.lastIndexOf("/"), 0));
    if (!(tree.lookup(parent) instanceof Directory) || (!isInside && wanted.endsWith("/"))) {
      throw copyError(
        "target",
        line,
        `can't copy ${displayName(source)} to ${shown(to)}: there is no such directory in the image`,
        "%appfiles makes no folders: copy a whole folder instead of the files in it",
      );
    }
    await copier.copy(path, to, line);
  }
}
