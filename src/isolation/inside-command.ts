import { runTold } from "./mount-helper.ts";

// For programs that set up a root file system and become the command by themselves: only what runs inside can tell that
// it is about to start. The image's own shell does that; it is there, or no script could run.
const text = `
IMAGE_PATH=$PATH
unset TSBUILD_PATH PROOT_TMP_DIR
umask 0002
${runTold}
`.trim();

/** The argument list that tells on file descriptor 3 and runs a command, inside. */
export function insideCommand(command: readonly string[]): string[] {
  return ["/bin/sh", "-c", text, "tsbuild", ...command];
}
