import { displayText } from "../../definition/display-text.ts";
import { mountPoints } from "../../layout/base-layout.ts";
import type { CopyLine } from "../../model/plan.ts";
import type { ConvertOptions } from "../converted.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";

/** What is known of a stage's folders while its copies are written. */
export class CopyTarget {
  private readonly isFromScratch: boolean;
  private readonly made = new Set<string>();

  constructor(isFromScratch: boolean) {
    this.isFromScratch = isFromScratch;
    for (const path of mountPoints) this.note(`/${path}`);
    if (isFromScratch) return;
    // What every distribution has.
    for (const path of "bin lib sbin usr/bin usr/lib usr/sbin usr/share usr/local/bin usr/local/lib usr/local/share opt srv mnt media run var/lib var/log var/cache usr/local/sbin usr/local/etc usr/local/include usr/include usr/src".split(
      " ",
    )) {
      this.note(`/${path}`);
    }
  }

  /** There is a folder now. */
  note(path: string): void {
    for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) this.made.add(at);
  }

  /** Whether a folder is there; undefined when only the base knows. */
  has(path: string): boolean | undefined {
    if (path === "" || this.made.has(path)) return true;
    return this.isFromScratch ? false : undefined;
  }
}

export interface CopyOrigin {
  /** `--from`'s value, undefined for the folder of the build. */
  readonly stage: string | undefined;
  /** What is put before a destination: the folder of an app. */
  readonly below: string;
  /** Names mean what they are, wildcards too. */
  readonly isLiteral: boolean;
}

interface CopyContext {
  readonly marks: Marks;
  readonly losses: Losses;
  readonly target: CopyTarget;
  readonly kindOf: ConvertOptions["kindOf"];
}

/**
 * The COPY for a line of `%files`. `cp` puts a folder into a folder that is there, under its name; COPY brings what is in
 * it. So a destination that is a folder is always written with the name behind it, where there is one.
 */
export function copyInstruction(
  line: CopyLine,
  origin: CopyOrigin,
  context: CopyContext,
): string[] {
  const { marks, losses, kindOf, target } = context;
  const { location } = line;
  const isHost = origin.stage === undefined;
  const shown = displayText(marks.shown(line.source));
  const lost = (why: string, hint: string) => {
    losses.lost(location, `${shown} is not copied: ${why}`, hint);
    return [];
  };
  if (/[\r"'\\]/.test(line.source + line.destination)) {
    return lost("it has a quote or a backslash in its name", "rename it");
  }
  if (/[$`{}~()&;|<>]/.test(line.source) && !origin.isLiteral) {
    return lost("its name is expanded as a shell does it", "write the names out");
  }
  const isPattern = /[*?[]/.test(line.source);
  if (isPattern && origin.isLiteral) {
    return lost("it has a wildcard in its name", "rename it");
  }
  const source = cleaned(line.source);
  if (isHost && (line.source.startsWith("/") || source.split("/").includes(".."))) {
    const hint = "copy it there before, or build in a folder above both";
    return lost("it is not below the folder of the build", hint);
  }
  const name = source.slice(source.lastIndexOf("/") + 1);
  // `cp` takes `folder/.` so, the copy from a stage `folder/`.
  const isContents = (isHost ? /(?:^|\/)\.{1,2}\/*$/ : /\/$/).test(line.source) || name === "";
  const known =
    isHost && !isPattern && marks.in(source).length === 0 ? kindOf?.(source) : undefined;
  const kind = isContents || line.source.endsWith("/") ? "folder" : known;
  const path = isHost ? source : `/${source.replace(/^\/+/, "")}`;
  const destination = destinationOf(line, origin, isPattern);
  const bare = destination.replace(/\/+$/, "");
  const isFolder = destination.endsWith("/") || target.has(bare);
  let to = destination;
  if (isPattern) {
    to = isFolder === true ? `${bare}/` : destination;
    tellPattern(line, shown, isHost, isFolder === true, context);
  } else if (isContents) {
    to = `${bare}/`;
  } else if (isFolder === true) {
    to = `${bare}/${name}`;
  } else if (kind !== "file" && isFolder === undefined) {
    const hint = "if so, write its name behind the destination in the definition";
    losses.differs(
      location,
      `should ${displayText(marks.shown(bare))} be a folder of the base, ${kind === "folder" ? "" : `and ${shown} a folder, `}then it gets what is in ${shown}, not ${shown} itself`,
      hint,
    );
  }
  if (kind === "folder") target.note(to.replace(/\/+$/, ""));
  else target.note(to.slice(0, to.lastIndexOf("/")));
  if (isHost && kind !== "file") {
    losses.differsOnce(
      "links",
      location,
      "symlinks in folders from the host stay symlinks, and .dockerignore leaves files out",
      "%files follows symlinks; bring their targets along",
    );
  }
  const words = [isContents && path === "" ? "." : path, to === "" ? "/" : to].map((word) =>
    marks.escaped(word),
  );
  const flag = origin.stage === undefined ? "" : ` --from=${origin.stage}`;
  const isPlain = words.every((word) => !/\s/.test(word) && !/^(?:<<|--|\[)/.test(word));
  return [`COPY${flag} ${isPlain ? words.join(" ") : JSON.stringify(words)}`];
}

/** From the root, with a slash at its end where the line has one. */
function destinationOf(line: CopyLine, origin: CopyOrigin, isPattern: boolean): string {
  const isSame = line.destination === line.source;
  // Without a destination each file that a wildcard finds goes to its own path.
  const folder = line.source.slice(0, line.source.lastIndexOf("/") + 1);
  const wanted = isPattern && isSame ? `${folder}/` : line.destination;
  const names: string[] = [];
  for (const name of `${origin.below}/${wanted}`.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  const isFolder = /(?:^|\/)\.{0,2}$/.test(wanted) && names.length > 0;
  return `/${names.join("/")}${isFolder ? "/" : ""}`;
}

/** A path without doubled slashes, `.` and slashes at its end; with a leading slash where it has one. */
function cleaned(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === ".." && names.length > 0 && names.at(-1) !== "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `${path.startsWith("/") ? "/" : ""}${names.join("/")}`;
}

function tellPattern(
  { location, source }: CopyLine,
  shown: string,
  isHost: boolean,
  isFolder: boolean,
  { losses }: CopyContext,
): void {
  losses.differs(
    location,
    `of folders that ${shown} finds, COPY brings what is in them`,
    "copy folders one by one",
  );
  if (/(?:^|\/)[*?[]/.test(source)) {
    losses.differs(
      location,
      `${shown} finds names that start with a dot too`,
      isHost ? "leave them out with .dockerignore" : "remove them with a RUN",
    );
  }
  if (!isFolder) {
    losses.differs(
      location,
      `more than one file that ${shown} finds can't be copied`,
      "write a slash at the end of the destination",
    );
  }
}
