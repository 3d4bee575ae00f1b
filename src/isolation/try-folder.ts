// What a folder can hold of a root file system, found out by doing there what unpacking an image, package managers and
// scripts do. The name of its file system says little: one NFS keeps owners for one machine and for another not, and FUSE
// may be anything. The trial is a shell's, so that it can be done as whoever scripts will be root as.

import { statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { HostError } from "../model/error.ts";
import { LineSplitter } from "../system/line-splitter.ts";
import { startProgram, type RunningProgram } from "../system/start-program.ts";
import { getXattr, SystemCallError, terminated } from "../system/syscalls.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { startInNamespace } from "./enter.ts";
import type { Entry } from "./isolation.ts";

/** How long one thing may take: a lock whose server doesn't answer is waited for without end. */
const limitMs = 20_000;

/**
 * `programs` can be started; `owners` files can be another user's; `modes` they keep their mode, set-id bits as well;
 * `names` two may differ in case alone, and colons may be in them; `rights` root may open what a mode closes; `births` a
 * file is told from an earlier one of its number by its time of birth; `locks` can be taken, as package managers do;
 * `capabilities` files can have.
 */
export const abilities = [
  "programs",
  "owners",
  "modes",
  "symlinks",
  "hard-links",
  "names",
  "rights",
  "births",
  "locks",
  "capabilities",
] as const;

export type Ability = (typeof abilities)[number];

/** Something that can't be done in a folder. */
export interface Shortcoming {
  readonly ability: Ability;
  /** What was said to the attempt. */
  readonly said: string;
}

export interface TryFolderOptions {
  /** How the namespace is entered in which scripts run, where this process isn't in it. */
  readonly entry?: Entry | undefined;
  /** What is tried; all of it where nothing is said. */
  readonly wanted?: readonly Ability[] | undefined;
}

// Each line says what is tried next or, after a tab, why it was not to be had.
const script = `
mkdir "$1" && cd "$1" || exit 1
# A folder of a root file system has its own group, whatever that of the folder around it.
chgrp "$(id -g)" . 2> /dev/null
chmod g-s . 2> /dev/null
shift
umask 022
modes() {
  : > mode && chmod 6750 mode && mkdir folder && chmod 3710 folder || return
  case $(ls -ld mode; ls -ld folder) in
  -rwsr-s---*drwx--s--T*) ;;
  *) echo "set-id bits or rights of a file are not kept" >&2; return 1 ;;
  esac
}
owners() {
  : > owned && chown 1:1 owned && chmod 6755 owned || return
  [ -u owned ] || { echo "a file of another user loses its set-id bit" >&2; return 1; }
}
symlinks() { ln -s nowhere link; }
hard_links() { mkdir one two && : > one/file && ln one/file two/file; }
names() {
  echo 1 > Name && echo 2 > name && : > "a:b" && read -r FIRST < Name || return
  [ "$FIRST" = 1 ] || { echo "names in capitals and small letters are the same" >&2; return 1; }
}
programs() { echo "#!/bin/sh" > program && chmod 755 program && ./program; }
rights() {
  mkdir closed && echo x > secret && chmod 555 closed && chmod 000 secret || return
  trap 'chmod 700 closed' EXIT
  : > closed/file && echo y > secret && read -r _ < secret
}
locks() {
  type flock > /dev/null || return 0
  : > lock && exec 6>> lock && flock -n 6
}
for TRIAL; do
  echo "$TRIAL"
  NAME=$TRIAL
  [ "$NAME" != hard-links ] || NAME=hard_links
  SAID=$( ( "$NAME" ) 2>&1 > /dev/null ) || printf '%s\\t%s\\n' "$TRIAL" "\${SAID%%
*}"
done
echo done
`.trim();

/**
 * Tries what a root file system needs of a folder. Takes a few milliseconds on a disk and a second on a slow network.
 * @returns what can't be had there
 * @throws {HostError} `host/temporary-folder`, `folder/no-space`, `host/program-start`, `host/program-missing`,
 *   `host/id-map`
 */
export async function tryFolder(
  parent: string,
  { entry, wanted = abilities }: TryFolderOptions = {},
): Promise<readonly Shortcoming[]> {
  await using made = await TemporaryFolder.create(parent);
  const looked = lookAt(made.folder, wanted);
  const folder = join(made.folder, "trial");
  const tried = wanted.filter((ability) => !(ability in looks));
  const words = ["/bin/sh", "-c", script, "sh", folder, ...tried];
  const environment = { ...process.env, LC_ALL: "C" };
  const program =
    entry === undefined
      ? await startProgram(words, { env: environment, ownGroup: true })
      : await startInNamespace(entry, words, { env: environment });
  const { shortcomings, failure } = await hear(program);
  const said = [...shortcomings.map((one) => one.said), failure ?? ""];
  const isAmiss = shortcomings.length > 0 || failure !== undefined;
  if (said.some((text) => full.test(text)) || (isAmiss && isFull(made.folder))) {
    throw new HostError("folder/no-space", `nothing more can be written in ${parent}: it is full`, {
      hint: "free space, or build in another folder: set TMPDIR, or give --tmpdir",
    });
  }
  if (failure !== undefined) {
    throw new HostError("host/program-start", `a folder could not be tried: ${failure}`);
  }
  return [...shortcomings, ...looked];
}

/** What the C library says to ENOSPC and EDQUOT. */
const full = /no space left|quota exceeded/i;

/** Shells have no word for a disk that is full when they write. */
const isFull = (folder: string): boolean => statfsSync(folder).bavail === 0;

/** What shows without trying, to anybody. */
const looks: Readonly<Partial<Record<Ability, (folder: string) => string | undefined>>> = {
  births: (folder) =>
    statSync(folder, { bigint: true }).birthtimeNs === 0n ? "none is kept" : undefined,
  capabilities(folder) {
    try {
      getXattr(terminated(Buffer.from(folder)), "security.capability");
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // What a file doesn't have it could have.
      if (error.code !== "ENODATA") return "not supported";
    }
    return undefined;
  },
};

function lookAt(folder: string, wanted: readonly Ability[]): readonly Shortcoming[] {
  return wanted.flatMap((ability) => {
    const said = looks[ability]?.(folder);
    return said === undefined ? [] : [{ ability, said }];
  });
}

/** @returns what the trial said, and what ended it before it had tried everything */
async function hear(
  program: RunningProgram,
): Promise<{ readonly shortcomings: readonly Shortcoming[]; readonly failure?: string }> {
  const lacks: Shortcoming[] = [];
  let trying: Ability | "done" | undefined;
  let errors = "";
  program.stderr?.on("data", (bytes: Buffer) => {
    errors += bytes.toString();
  });
  const late = Promise.withResolvers<"late">();
  const giveUp = () => {
    program.kill("SIGKILL");
    late.resolve("late");
  };
  let timer = setTimeout(giveUp, limitMs);
  const splitter = new LineSplitter((line) => {
    const [name = "", said] = line.split("\t");
    if (said === undefined) {
      trying = name as Ability | "done";
      clearTimeout(timer);
      timer = setTimeout(giveUp, limitMs);
    } else lacks.push({ ability: name as Ability, said: reasonIn(said) });
  });
  program.stdout?.on("data", (bytes: Buffer) => splitter.write(bytes));
  // What waits for a server in the kernel can't be waited for.
  const ended = await Promise.race([closed(program.stdout), late.promise]);
  clearTimeout(timer);
  if (trying === "done") return { shortcomings: lacks };
  if (trying === undefined || ended !== "late") {
    return { shortcomings: lacks, failure: errors.trim() || "the shell ended" };
  }
  const silent = { ability: trying, said: `no answer for ${limitMs / 1000} seconds` };
  return { shortcomings: [...lacks, silent] };
}

/** What a program said, without its own name and that of the trial's file. */
const reasonIn = (said: string): string => /: ([^:]+)$/.exec(said)?.[1] ?? (said || "it failed");

function closed(stream: Readable | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (stream === undefined) resolve();
    else stream.once("close", () => resolve());
  });
}
