// What can't be copied straight to its place is brought to a folder of its own, and put in place in `%post` when it is its
// turn.

import { displayText } from "../../definition/display-text.ts";
import type { Flag, Heredoc } from "../dockerfile/dockerfile.ts";
import type { Copy, CopyContext } from "./copy-context.ts";
import { destinationWord } from "./copy-destination.ts";
import { contents, sourceWord, type Source } from "./copy-source.ts";
import { singleQuoted } from "./shell-text.ts";
import { quotedPath, setupOrigin } from "./stage-draft.ts";
import { isTemporary } from "./temporary-folders.ts";

/** Copies to a folder of its own, and from there in `%post`. */
export function stageCopy(
  copy: Copy,
  source: Source,
  flags: ReadonlyMap<string, Flag>,
  context: CopyContext,
): void {
  const { draft, origin } = context;
  const folder = draft.stagingFolder();
  const to = source.kind === "folder" ? `${folder}/all/` : `${folder}/`;
  draft.addFiles(origin, `${sourceWord(contents(source, origin))} ${to}`);
  draft.post.push(...ownership(folder, flags), placeLine(folder, copy, flags, context));
}

function placeLine(
  folder: string,
  copy: Copy,
  flags: ReadonlyMap<string, Flag>,
  context: CopyContext,
): string {
  const owner = flags.get("chown")?.value;
  const words = ["place", folder, destinationWord(copy, context)];
  return [...words, ...(owner === undefined ? [] : [ownerWord(owner)])].join(" ");
}

function ownership(folder: string, flags: ReadonlyMap<string, Flag>): string[] {
  const lines: string[] = [];
  const owner = flags.get("chown")?.value;
  const mode = flags.get("chmod")?.value;
  if (owner !== undefined) lines.push(`chown -hR ${ownerWord(owner)} ${folder}`);
  if (mode !== undefined) lines.push(`chmod -R ${dollarWord(mode)} ${folder}`);
  return lines;
}

/** An owner without a group has the group of the same number. */
function ownerWord(owner: string): string {
  if (owner.includes(":")) return dollarWord(owner);
  if (/^\d+$/.test(owner)) return `${owner}:${owner}`;
  const user = dollarWord(owner);
  return `"$(id -u ${user}):$(id -u ${user})"`;
}

/** An option's value, in which `$NAME` is a variable. */
function dollarWord(text: string): string {
  return /^[\w:.$,=+-]+$/.test(text) && text.includes("$") ? `"${text}"` : quotedPath(text);
}

/** ADD of an archive. */
export function unpack(
  copy: Copy,
  source: Source,
  destination: string | undefined,
  context: CopyContext,
): void {
  const { draft, losses, origin } = context;
  for (const { name, location } of copy.flags) {
    if (name !== "chown" && name !== "chmod") continue;
    const hint = `write RUN ${name} behind it`;
    losses.lost(location, `--${name} is left out: what is unpacked stays as it is`, hint);
  }
  const isFirst = !context.isAfterRun && !draft.hasStaged && context.isFromScratch;
  const hasPlace =
    destination !== undefined && !destination.includes("{{") && !isTemporary(destination);
  if (isFirst && hasPlace && !source.isPattern && !draft.comesTooEarly(setupOrigin, destination)) {
    const root =
      destination === "/" ? '"$APPTAINER_ROOTFS"' : `"$APPTAINER_ROOTFS"${quotedPath(destination)}`;
    if (destination !== "/") draft.setup.push(`mkdir -p ${root}`);
    draft.setup.push(`tar -xpf ${quotedPath(source.path.replace(/^-/, "./-"))} -C ${root}`);
    draft.noteDirect(setupOrigin, destination);
    return;
  }
  if (!context.hasShell) {
    const hint = "unpack it beforehand, and copy the folder";
    losses.lost(
      copy.location,
      `the archive ${displayText(source.path)} is not unpacked: ${nothingRuns}`,
      hint,
    );
    return;
  }
  const folder = draft.stagingFolder();
  draft.addFiles(origin, `${sourceWord(source.path)} ${folder}/`);
  const to = destinationWord(copy, context);
  draft.post.push(
    `mkdir -p ${to}`,
    `for archive in ${folder}/*; do tar -xpf "$archive" -C ${to}; done`,
  );
  const hint = "tar has to be there, and the program that unpacks the archive";
  losses.differs(copy.location, "the archive is unpacked by the tar of the image", hint);
}

/** Why what would take a command can't be done. */
export const nothingRuns = "nothing runs in this stage";

export const archive = /\.(?:tar|tar\.gz|tgz|tar\.bz2|tbz2?|tar\.xz|txz|tar\.zst)$/i;

/** A file that stands in the Dockerfile itself. */
export function writeDocument(
  copy: Copy,
  heredoc: Heredoc,
  flags: ReadonlyMap<string, Flag>,
  context: CopyContext,
): void {
  const { draft, losses } = context;
  if (!context.hasShell) {
    const hint = "put the text in a file, and copy that";
    losses.lost(
      copy.location,
      `the file ${displayText(heredoc.delimiter)} is not written: ${nothingRuns}`,
      hint,
    );
    return;
  }
  if (heredoc.expands && /[$\\]/.test(heredoc.text)) {
    const hint = "quote the name of the heredoc if none are meant";
    losses.differs(copy.location, "variables in the heredoc are written as they are", hint);
  }
  const folder = draft.stagingFolder();
  draft.post.push(
    `mkdir -p ${folder}`,
    `printf %s ${singleQuoted(heredoc.text)} >${folder}/${quotedPath(heredoc.delimiter.replaceAll("/", "_"))}`,
    ...ownership(folder, flags),
    placeLine(folder, copy, flags, context),
  );
}
