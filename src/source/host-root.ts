// What the agents that let programs of this machine make a root file system share.
//
// Such programs make device nodes and mount /proc. Where the kernel refuses that, in a user namespace, they find
// stand-ins before the real programs in PATH: that of mknod(1) makes an empty file, puts the machine's device over it for as long
// as this runs, and writes down what was asked for, so that the image gets the device that it should have.

import { chmod, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toByteString } from "../model/bytes-path.ts";
import { HostError, SourceError } from "../model/error.ts";
import { findProgram, programPath } from "../system/find-program.ts";
import type { FileTree } from "../tree/file-tree.ts";
import type { BaseImage, RootRecipe, SourceContext } from "./source.ts";

export interface HostRecipe extends RootRecipe {
  /** The agent as the definition names it. */
  readonly agent: string;
  /** Programs that must be there; of a list, any of them. */
  readonly programs: readonly (string | readonly string[])[];
}

const mknodScript = `#!/bin/sh
mode=666
while :; do
  case $1 in
  -m) mode=$2; shift 2 ;;
  -m*) mode=\${1#-m}; shift ;;
  --mode=*) mode=\${1#--mode=}; shift ;;
  -*) shift ;;
  *) break ;;
  esac
done
: > "$1" || exit 1
echo "$mode $2 $3 $4 $1" >> "$TOOLS/devices"
device=/dev/\${1##*/}
if [ "\${1%"/dev/\${1##*/}"}" = "$APPTAINER_ROOTFS" ] && [ -c "$device" ]; then
  PATH=\${PATH#"$TOOLS/stand-ins:"}
  mount --bind "$device" "$1" 2> /dev/null
fi
exit 0
`;

/** What is mounted goes with the namespace. */
const nothingScript = `#!/bin/sh
exit 0
`;

/** `chroot ROOT mount …` would fail; ROOT/proc becomes the machine's where it is asked for. */
const chrootScript = `#!/bin/sh
PATH=\${PATH#"$TOOLS/stand-ins:"}
case $2 in
mount)
  for word; do :; done
  [ "$word" != /proc ] || mount --rbind /proc "$1/proc" 2> /dev/null
  exit 0
  ;;
umount) exit 0 ;;
esac
exec chroot "$@"
`;

/** In a mount namespace of its own where that can be had, so that nothing stays mounted however this ends. */
const enterScript = `
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
if unshare --mount --propagation private true 2> /dev/null; then
  exec unshare --mount --propagation private /bin/sh -ex "$TOOLS/script"
fi
exec /bin/sh -ex "$TOOLS/script"
`;

const prepareScript = `{
  set +x
  umask 0022
  root=$APPTAINER_ROOTFS
  test="$root/.tsbuild-device"
  if mknod "$test" c 1 3 2> /dev/null && { echo > "$test"; } 2> /dev/null && [ -c "$test" ]; then :; else
    export PATH="$TOOLS/stand-ins:$PATH"
  fi
  rm -f "$test"
  set -x
} 2> /dev/null
`;

/**
 * Has programs of this machine make a root file system.
 * @throws {HostError} `host/program-missing`
 * @throws {SourceError} `source/needs-build`, `source/bootstrap-failed`
 */
export async function makeHostRoot(recipe: HostRecipe, context: SourceContext): Promise<BaseImage> {
  const { makeRoot, temporaryFolder } = context;
  if (makeRoot === undefined) {
    throw new SourceError(
      "source/needs-build",
      `a base of the agent ${recipe.agent} is made during a build, and can't be fetched`,
      { hint: "build the definition on a machine that has the programs and the network" },
    );
  }
  for (const wanted of recipe.programs) requireProgram(wanted, recipe.agent);
  const tools = await mkdtemp(join(temporaryFolder, "bootstrap-"));
  await chmod(tools, 0o755);
  await writeTools(tools, recipe.script);
  const tree = await makeRoot({
    name: recipe.name,
    script: enterScript,
    variables: { ...recipe.variables, TOOLS: tools },
    hint: recipe.hint,
  });
  const devices = await readFile(join(tools, "devices"), "utf8").catch(() => "");
  putDevices(tree, devices);
  return { kind: "made", tree };
}

/** The path of a program, the first of several. @throws {HostError} `host/program-missing` */
export function requireProgram(wanted: string | readonly string[], agent: string): string {
  const names = typeof wanted === "string" ? [wanted] : wanted;
  const path = programPath(process.env);
  for (const name of names) {
    const found = findProgram(name, path);
    if (found !== undefined) return found;
  }
  const [first = ""] = names;
  throw new HostError(
    "host/program-missing",
    `the agent ${agent} runs ${names.join(" or ")}, and this machine doesn't have ${names.length > 1 ? "either" : "it"}`,
    { hint: `install ${first}, or start from an image of the distribution: Bootstrap: docker` },
  );
}

async function writeTools(folder: string, script: string): Promise<void> {
  await mkdir(join(folder, "stand-ins"));
  const standIns = {
    mknod: mknodScript,
    chroot: chrootScript,
    mount: nothingScript,
    umount: nothingScript,
  };
  for (const [name, text] of Object.entries(standIns)) {
    await writeFile(join(folder, "stand-ins", name), text, { mode: 0o755 });
  }
  await writeFile(join(folder, "script"), prepareScript + script);
}

/** Lines of `mknod`'s stand-in: mode, type, numbers and the file. Those that are no longer there are left out. */
function putDevices(tree: FileTree, lines: string): void {
  for (const line of lines.split("\n")) {
    const [, mode = "", type = "", major = "", minor = "", file = ""] =
      /^([0-7]+) ([bc]) (\d+) (\d+) .*?\/rootfs\/(.+)$/.exec(line) ?? [];
    const path = toByteString(file);
    const node = file === "" ? undefined : tree.get(path);
    if (node?.type !== "file") continue;
    const { uid, gid, mtimeSeconds } = node;
    tree.put(path, {
      type: type === "b" ? "block-device" : "character-device",
      mode: Number.parseInt(mode, 8),
      uid,
      gid,
      mtimeSeconds,
      major: Number(major),
      minor: Number(minor),
    });
  }
}

/** Words of a keyword and of the variable that Apptainer reads besides: blanks and commas part them. */
export function wordsOf(...texts: readonly (string | undefined)[]): string[] {
  return texts.flatMap((text) => (text ?? "").split(/[\s,]+/)).filter((word) => word !== "");
}
