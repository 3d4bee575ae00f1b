import { displayText } from "../../definition/display-text.ts";
import type { Flag } from "../dockerfile/dockerfile.ts";
import type { Copy, CopyContext } from "./copy-context.ts";
import { isBaseFolder, placeOf, withSlash } from "./copy-destination.ts";
import {
  contents,
  filesWord,
  shown,
  sourceHint,
  sourceOf,
  sourceProblem,
  sourceWord,
  type Source,
} from "./copy-source.ts";
import { isTemporary, tellTemporary } from "./temporary-folders.ts";
import { archive, nothingRuns, stageCopy, unpack, writeDocument } from "./staged-copy.ts";

/**
 * A COPY or ADD. `%files` does what COPY does when the source is known to be a file, or a folder of which the contents are
 * meant, and nothing ran before that could see or change the destination. Else the files are brought to a folder of
 * their own, and `%post` puts them at their place when it is their turn.
 */
export function convertCopy(copy: Copy, context: CopyContext): void {
  const { losses } = context;
  const flags = new Map(copy.flags.map((flag) => [flag.name, flag]));
  for (const flag of copy.flags) {
    if (["from", "chown", "chmod", "link"].includes(flag.name)) continue;
    const hint = flag.name === "checksum" ? "check it in %post" : "check which files are copied";
    losses.lost(flag.location, `--${flag.name} is left out`, hint);
  }
  const hasOwner = flags.has("chown") || flags.has("chmod");
  for (const [index, source] of copy.sources.entries()) {
    const heredoc = copy.heredocs[index];
    if (heredoc !== undefined) {
      writeDocument(copy, heredoc, flags, context);
      continue;
    }
    const text = context.variables.template(source);
    const problem =
      text === undefined ? "depends on variables of the build" : sourceProblem(copy, text);
    if (text === undefined || problem !== undefined) {
      losses.lost(
        copy.location,
        `${shown(source)} is not copied: it ${problem}`,
        sourceHint(problem),
      );
      continue;
    }
    convertSource(copy, sourceOf(text, context), hasOwner, flags, context);
  }
}

function convertSource(
  copy: Copy,
  source: Source,
  hasOwner: boolean,
  flags: ReadonlyMap<string, Flag>,
  context: CopyContext,
): void {
  const { draft, losses, origin } = context;
  noteContext(copy, source, context);
  const destination = placeOf(copy.destination, context);
  const isArchive = copy.kind === "add" && archive.test(source.path) && source.kind !== "folder";
  if (isArchive) {
    unpack(copy, source, destination, context);
    return;
  }
  const isHidden = destination !== undefined && isTemporary(destination) && context.hasShell;
  if (isHidden) tellTemporary(copy, losses);
  const mayBeDirect =
    destination !== undefined &&
    !isHidden &&
    !hasOwner &&
    !context.isAfterRun &&
    !draft.hasStaged &&
    !draft.comesTooEarly(origin, destination);
  const isExact =
    source.kind !== "unknown" ||
    (destination !== undefined &&
      context.isFromScratch &&
      !source.isPattern &&
      !destination.endsWith("/") &&
      !isBaseFolder(destination) &&
      !draft.isTouched(destination));
  if (context.hasShell && !(mayBeDirect && isExact)) {
    stageCopy(copy, source, flags, context);
    return;
  }
  if (destination === undefined) {
    const hint = "write the destination without variables";
    losses.lost(
      copy.location,
      `${displayText(source.path)} is not copied: where to is known in the build only`,
      hint,
    );
    return;
  }
  if (hasOwner) {
    const hint = "a stage with a RUN can change owners and modes in %post";
    losses.lost(copy.location, `--chown and --chmod are left out: ${nothingRuns}`, hint);
  }
  if (draft.comesTooEarly(origin, destination)) {
    const hint =
      "copies from stages come before copies from the host; check which file is there in the end";
    losses.differs(
      copy.location,
      `this copy to ${displayText(destination)} happens before an earlier one`,
      hint,
    );
  }
  if (!isExact) {
    const hint =
      "name the folder with a slash at its end in the Dockerfile, so that its contents are meant";
    losses.differs(
      copy.location,
      `if ${displayText(source.path)} is a folder, it is copied under its name when the destination exists; Docker copies what is in it`,
      hint,
    );
  }
  const to = source.kind === "folder" ? withSlash(destination) : destination;
  draft.addFiles(origin, `${sourceWord(contents(source, origin))} ${filesWord(to)}`);
  draft.noteDirect(origin, destination);
}

function noteContext(copy: Copy, source: Source, context: CopyContext): void {
  const { losses, origin } = context;
  if (origin !== undefined) return;
  losses.differsOnce(
    "context",
    copy.location,
    "files come from the folder of the build, and links in folders are followed",
    "build in the folder that Docker gets as its context",
  );
  if (source.kind !== "file") tellIgnored(copy, context);
  if (source.isPattern && /(?:^|\/)[*?[]/.test(source.path)) {
    const dotHint = "name files like .env one by one";
    losses.differs(
      copy.location,
      `wildcards of %files don't match names that start with a dot`,
      dotHint,
    );
  }
}

/** A definition can't leave files of a folder out. */
function tellIgnored(copy: Copy, { losses, ignored }: CopyContext): void {
  const patterns = ignored
    ?.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("!"));
  if (patterns?.length === 0) return;
  const some = patterns?.slice(0, 3).map(displayText).join(", ");
  const more = (patterns?.length ?? 0) > 3 ? ` and ${(patterns?.length ?? 0) - 3} more` : "";
  const which = some === undefined ? "" : ` (${some}${more})`;
  losses.differsOnce(
    "ignored",
    copy.location,
    `what .dockerignore leaves out${which} is copied too`,
    "copy what is needed folder by folder, or remove the rest in %post",
  );
}
