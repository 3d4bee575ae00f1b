import { HostError, ScriptError } from "../model/error.ts";
import type { Location } from "../model/location.ts";
import type { Script } from "../model/plan.ts";
import type { OutputStream, ProgramEnd } from "../system/run-program.ts";
import type { Mask } from "./secrets.ts";
import { TraceFollower } from "./trace-follower.ts";

const keptLines = 20;

/** Listens to a script's output, to say where and why it failed. */
export class ScriptOutput {
  readonly #script: Script;
  readonly #follower: TraceFollower;
  readonly #lines: string[] = [];
  readonly #mask: Mask;

  /**
   * @param file what the shell calls the script
   * @param text the file's text, where it is not the script's body
   * @param mask takes out of an error what nobody may see
   */
  constructor(script: Script, file: string, text = script.body, mask: Mask = (text) => text) {
    this.#script = script;
    this.#mask = mask;
    this.#follower = new TraceFollower(text, file);
  }

  get section(): Script["section"] {
    return this.#script.section;
  }

  /** Takes the next line. */
  take(stream: OutputStream, line: string): void {
    if (stream === "stderr") this.#follower.take(line);
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
  }

  /** The last lines. */
  get details(): readonly string[] {
    return this.#lines.map((line) => this.#mask(line));
  }

  /** ` at: COMMAND` for a message, or nothing where no command was seen. */
  get place(): string {
    const { command } = this.#follower;
    return command === undefined ? "" : ` at: ${shortened(this.#mask(command))}`;
  }

  /** The error for how the script ended, or undefined if it ended well. `lineOffset` is what precedes it in its file. */
  failure({ exitCode, signal }: ProgramEnd, lineOffset = 0): ScriptError | undefined {
    if (exitCode === 0) return undefined;
    const { section } = this.#script;
    const how = signal === undefined ? `status ${exitCode ?? "unknown"}` : `the signal ${signal}`;
    return new ScriptError("script/failed", `%${section} failed with ${how}${this.place}`, {
      location: this.location(lineOffset),
      hint: this.#hint(exitCode, signal),
      details: this.details,
    });
  }

  /** The line of the definition that was run last, as far as that is known. */
  location(lineOffset: number): Location {
    const heading = this.#script.location;
    const index = (this.#follower.line ?? 0) - lineOffset - 1;
    const line = this.#script.lines[index];
    if (line === undefined) return heading;
    const text = this.#script.body.split("\n")[index] ?? "";
    const indent = /^\s*/.exec(text)?.[0] ?? "";
    return {
      file: heading.file,
      line,
      column: Array.from(indent).length + 1,
      length: Array.from(text.trim()).length,
    };
  }

  #hint(exitCode: number | undefined, signal: NodeJS.Signals | undefined): string {
    const { section, interpreter } = this.#script;
    const killed = signal === "SIGKILL" || exitCode === 137;
    if (killed) return "it was killed; when memory runs out, the system does that";
    if (exitCode === 127 && interpreter.kind === "command") {
      return `the program that %${section} -c names has to be in the image: ${interpreter.text}`;
    }
    if (exitCode === 127) return "a command was not found; install it earlier in the script";
    if (exitCode === 126) {
      return "a file could not be executed: its mode, its interpreter or its architecture do not fit";
    }
    return `its last output is above; %${section} ends at the first command that fails`;
  }
}

/** The error for an isolation that ended before the script began. */
export function setUpFailure(script: Script, details: readonly string[]): HostError {
  return new HostError(
    "host/sandbox-setup",
    `%${script.section} could not be started: its surroundings could not be set up`,
    {
      hint: "the lines above are the words of mount or unshare; --isolation takes another way",
      details,
    },
  );
}

/** The error for a root file system in which the shell is missing or is for another machine. */
export function noShell(script: Script, reason: string): ScriptError {
  return new ScriptError(
    "script/no-shell",
    `%${script.section} needs /bin/sh in the image, and ${reason}`,
    {
      location: script.location,
      hint: "start from a base image with a shell for this machine's architecture, or leave the section out",
    },
  );
}

function shortened(command: string): string {
  return command.length > 120 ? `${command.slice(0, 117)}...` : command;
}
