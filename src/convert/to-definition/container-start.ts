import type { Command, Instruction } from "../dockerfile/dockerfile.ts";
import type { Word } from "../dockerfile/docker-word.ts";
import type { Losses } from "../losses.ts";
import { shellWord } from "./shell-text.ts";
import type { StageDraft } from "./stage-draft.ts";
import type { Variables } from "./variables.ts";

/** A %runscript that started one of these would start itself, for ever. */
const ownRunscript: ReadonlySet<string> = new Set([
  "/.singularity.d/runscript",
  "/.singularity.d/actions/run",
  "/.run",
  "/singularity",
]);

/** What a container starts, and where: ENTRYPOINT, CMD and WORKDIR up to here. */
export class ContainerStart {
  /** The last WORKDIR. */
  lastFolder: Instruction | undefined;
  /** The values of WORKDIR since the last absolute one. */
  folders: Word[] = [];
  private entrypoint: readonly string[] | undefined;
  private cmd: readonly string[] | undefined;
  private isCmdOwn = false;
  private lastCommand: Instruction | undefined;

  /** At a new FROM. */
  inherit(): void {
    this.isCmdOwn = false;
  }

  set(
    instruction: Instruction & { readonly kind: "entrypoint" | "cmd" },
    shell: readonly string[],
  ): void {
    const words = wordsOf(instruction.command, shell);
    this.lastCommand = instruction;
    if (instruction.kind === "cmd") {
      this.cmd = words;
      this.isCmdOwn = true;
      return;
    }
    this.entrypoint = words;
    // What the base says to start is an argument for the base's entrypoint.
    if (!this.isCmdOwn) this.cmd = undefined;
  }

  /**
   * Writes the `%runscript`.
   * @param folder the working directory; undefined when its name depends on the build
   */
  write(
    draft: StageDraft,
    variables: Variables,
    losses: Losses,
    { isFromScratch, folder }: { isFromScratch: boolean; folder: string | undefined },
  ): void {
    const entrypoint = this.entrypoint ?? [];
    const cmd = this.cmd ?? [];
    const isCleared = this.entrypoint?.length === 0;
    if (this.lastCommand === undefined || (entrypoint.length + cmd.length === 0 && !isCleared)) {
      if (this.lastFolder === undefined || folder === "/") return;
      const hint = "start the program in its folder with a %runscript";
      const message = "the folder that a container starts in is the caller's";
      losses.lost(this.lastFolder.location, message, hint);
      return;
    }
    const [program = ""] = entrypoint.length > 0 ? entrypoint : cmd;
    if (ownRunscript.has(program)) {
      const hint = "what the image has at that path stays there and is run; nothing has to be done";
      losses.differs(this.lastCommand.location, `${program} is where a %runscript would be`, hint);
      return;
    }
    if (this.entrypoint === undefined && !isFromScratch) {
      const hint = "write ENTRYPOINT if the base image has one";
      losses.differs(
        this.lastCommand.location,
        "CMD is run by itself, whatever ENTRYPOINT the base image has",
        hint,
      );
    }
    if (this.lastFolder !== undefined) this.writeFolder(draft, variables, losses, folder);
    if (cmd.length > 0) {
      draft.runscript.push("if [ $# -eq 0 ]; then", `    set -- ${quoted(cmd)}`, "fi");
    }
    draft.runscript.push(entrypoint.length > 0 ? `exec ${quoted(entrypoint)} "$@"` : 'exec "$@"');
  }

  private writeFolder(
    draft: StageDraft,
    variables: Variables,
    losses: Losses,
    folder: string | undefined,
  ): void {
    const { lastFolder } = this;
    if (lastFolder === undefined) return;
    if (folder === "/") {
      const hint = "write cd / in the %runscript if the program has to start there";
      losses.differs(
        lastFolder.location,
        "the program starts in the caller's folder, not in /",
        hint,
      );
      return;
    }
    const hint = "the %runscript goes to the folder; exec and shell start in the caller's";
    losses.differs(lastFolder.location, "only run starts in the WORKDIR", hint);
    const words = this.folders.map((word) => variables.later(word));
    draft.runscript.push(
      ...words.flatMap(({ before }) => before),
      ...words.map(({ text }) => `cd ${text}`),
    );
  }
}

function wordsOf(command: Command, shell: readonly string[]): readonly string[] {
  if (command.form === "exec") return command.words;
  return [...shell, command.lines.join("")];
}

const quoted = (words: readonly string[]) => words.map(shellWord).join(" ");
