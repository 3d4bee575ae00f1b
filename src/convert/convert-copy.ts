import { displayText } from "../definition/display-text.ts";
import type { Flag, Heredoc, Instruction } from "./dockerfile.ts";
import type { Word } from "./docker-word.ts";
import type { Losses } from "./losses.ts";
import { shellText, singleQuoted } from "./shell-text.ts";
import { quotedPath, setupOrigin, type StageDraft } from "./stage-draft.ts";
import type { Variables } from "./variables.ts";

export type Copy = Instruction & { readonly kind: "copy" | "add" };

/** What a COPY needs to know of the stage that it stands in. */
export interface CopyContext {
  readonly draft: StageDraft;
  readonly variables: Variables;
  readonly losses: Losses;
  /** The stage copied from, undefined for the build context. */
  readonly origin: string | undefined;
  /** The working directory; undefined when its name is not known before the build. */
  readonly folder: string | undefined;
  /** Folders that WORKDIR has made so far. */
  readonly madeFolders: ReadonlySet<string>;
  /** The base is empty, so nothing is there but what was copied. */
  readonly isFromScratch: boolean;
  /** A RUN came before. */
  readonly isAfterRun: boolean;
  /** There is a RUN in the stage, and so a shell to place files with. */
  readonly hasShell: boolean;
  readonly kindOf: (path: string) => "file" | "folder" | undefined;
}

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

interface Source {
  /** As `%files` names it, without a slash at the end. */
  readonly path: string;
  readonly kind: "file" | "folder" | "unknown";
  readonly isPattern: boolean;
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
  const mayBeDirect =
    destination !== undefined &&
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
      !draft.isTouched(destination));
  if (context.hasShell && !(mayBeDirect && isExact)) {
    stage(copy, source, flags, context);
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
    losses.lost(
      copy.location,
      "--chown and --chmod are left out: nothing runs in this stage",
      hint,
    );
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

/** Copies to a folder of its own, and from there in `%post`. */
function stage(
  copy: Copy,
  source: Source,
  flags: ReadonlyMap<string, Flag>,
  context: CopyContext,
): void {
  const { draft, origin } = context;
  const folder = draft.stagingFolder();
  const to = source.kind === "folder" ? `${folder}/all/` : `${folder}/`;
  draft.addFiles(origin, `${sourceWord(contents(source, origin))} ${to}`);
  draft.post.push(...ownership(folder, flags), `place ${folder} ${destinationWord(copy, context)}`);
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

function unpack(
  copy: Copy,
  source: Source,
  destination: string | undefined,
  context: CopyContext,
): void {
  const { draft, losses, origin } = context;
  const isFirst = !context.isAfterRun && !draft.hasStaged && context.isFromScratch;
  const hasPlace = destination !== undefined && !destination.includes("{{");
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
      `the archive ${displayText(source.path)} is not unpacked: nothing runs in this stage`,
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

const archive = /\.(?:tar|tar\.gz|tgz|tar\.bz2|tbz2?|tar\.xz|txz|tar\.zst)$/i;

/** A file that stands in the Dockerfile itself. */
function writeDocument(
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
      `the file ${displayText(heredoc.delimiter)} is not written: nothing runs in this stage`,
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
    `place ${folder} ${destinationWord(copy, context)}`,
  );
}

/** The destination in `%post`, which is in the working directory there. */
function destinationWord(copy: Copy, { variables }: CopyContext): string {
  const known = variables.known(copy.destination);
  if (known === undefined) return shellText(copy.destination);
  return quotedPath(/(?:^|\/)\.{1,2}$/.test(known) ? `${known}/` : known);
}

/** The destination from the root, with a slash at its end when it is surely a folder; undefined when not known. */
function placeOf(word: Word, { variables, folder, madeFolders }: CopyContext): string | undefined {
  const text = variables.template(word);
  if (text === undefined || text.includes("\n") || text === "") return undefined;
  if (!text.startsWith("/") && folder === undefined) return undefined;
  if (text.startsWith("{{")) return undefined;
  const clean = normal(text.startsWith("/") ? text : `${folder}/${text}`);
  const isFolder = /(?:^|\/)\.{0,2}$/.test(text) || madeFolders.has(clean);
  return isFolder ? withSlash(clean) : clean;
}

const withSlash = (path: string) => (path.endsWith("/") ? path : `${path}/`);

/** An absolute path without `.`, `..`, doubled slashes and a slash at its end. */
export function normal(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

function sourceOf(text: string, { origin, kindOf }: CopyContext): Source {
  const clean = normal(`/${text}`);
  const path = origin === undefined ? clean.slice(1) || "." : clean;
  const isPattern = /[*?[]/.test(text);
  const isFolder = !isPattern && (/(?:^|\/)\.{0,2}$/.test(text) || clean === "/");
  const known = isPattern || origin !== undefined ? undefined : kindOf(path);
  return { path, kind: isFolder ? "folder" : (known ?? "unknown"), isPattern };
}

/** How `%files` says that a folder's contents are meant. */
function contents({ path, kind }: Source, origin: string | undefined): string {
  if (kind !== "folder") return path;
  return origin === undefined ? `${path}/.` : withSlash(path);
}

/** A source of `%files`. Wildcards mean the same there; what else means something to a shell is escaped. */
function sourceWord(text: string): string {
  return filesWord(
    text.replaceAll(/\{\{ \w+ \}\}|[$`{}~()&;|<>]/g, (found) =>
      found.length > 1 ? found : `\\${found}`,
    ),
  );
}

/** A word of `%files` that is taken as it is. */
const filesWord = (text: string) => (/^[#%]|\s/.test(text) ? `"${text}"` : text);

function sourceProblem(copy: Copy, text: string): string | undefined {
  if (/^(?:https?|ftp|git|ssh):\/\/|^git@/i.test(text)) return "comes from the network";
  if (/["'\n\r\\]/.test(text)) return "has a quote, a backslash or a line feed in its name";
  const destination = copy.destination
    .map((part) => (part.kind === "text" ? part.text : ""))
    .join("");
  if (/["'\n\r\\]/.test(destination))
    return "goes to a name with a quote, a backslash or a line feed";
  return undefined;
}

const sourceHint = (problem: string | undefined) =>
  problem === "comes from the network"
    ? "fetch it in %post with a program of the image, or before the build and copy it"
    : "rename the file, or name it without variables";

const shown = (word: Word) =>
  displayText(word.map((part) => (part.kind === "text" ? part.text : `$${part.name}`)).join(""));

function noteContext(copy: Copy, source: Source, { losses, origin }: CopyContext): void {
  if (origin !== undefined) return;
  const hint =
    "build in the folder that Docker gets as its context; what .dockerignore leaves out is copied too";
  losses.differsOnce(
    "context",
    copy.location,
    "files come from the folder of the build, and links in folders are followed",
    hint,
  );
  if (source.isPattern && /(?:^|\/)[*?[]/.test(source.path)) {
    const dotHint = "name files like .env one by one";
    losses.differs(
      copy.location,
      `wildcards of %files don't match names that start with a dot`,
      dotHint,
    );
  }
}
