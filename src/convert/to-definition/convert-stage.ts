import { displayText } from "../../definition/display-text.ts";
import type { Command, Instruction } from "../dockerfile/dockerfile.ts";
import type { Word } from "../dockerfile/docker-word.ts";
import type { Losses } from "../losses.ts";
import { ContainerStart } from "./container-start.ts";
import { convertCopy } from "./convert-copy.ts";
import { convertRun, defaultShell } from "./convert-run.ts";
import type { CopyContext } from "./copy-context.ts";
import { normal } from "./copy-destination.ts";
import { shellText } from "./shell-text.ts";
import { changeFolder, type StageDraft } from "./stage-draft.ts";
import { addLabel, convertLabel } from "./stage-labels.ts";
import { convertArgument, convertEnvironment, type VariableContext } from "./stage-variables.ts";
import { keeping, tellTemporary } from "./temporary-folders.ts";
import { Variables } from "./variables.ts";

export interface StageSource {
  /** The instructions behind FROM, one list for each stage that this one starts from, the farthest first. */
  readonly parts: readonly (readonly Instruction[])[];
  readonly isFromScratch: boolean;
  /** The stage that becomes the image: of the others only files count. */
  readonly isLast: boolean;
  /** The defaults of the ARGs above the first FROM, as far as they are known. */
  readonly globals: ReadonlyMap<string, string | undefined>;
  /** The name of the stage in the definition that a COPY copies from, and whether it keeps its temporary folders. */
  readonly originOf: (copy: Instruction) => Pick<CopyContext, "origin" | "isKept">;
  /** Other stages copy from the temporary folders of this one. */
  readonly keepsTemporary: boolean;
  readonly kindOf: CopyContext["kindOf"];
  readonly ignored: CopyContext["ignored"];
}

/** Adds what the instructions of a stage ask for to its draft. */
export function convertStage(source: StageSource, draft: StageDraft, losses: Losses): void {
  new StageConversion(source, draft, losses).run();
}

class StageConversion {
  private readonly source: StageSource;
  private readonly draft: StageDraft;
  private readonly losses: Losses;
  private readonly variables: Variables;
  private readonly hasShell: boolean;
  private shell = defaultShell;
  private isAfterRun = false;
  /** Undefined when its name depends on the build. */
  private folder: string | undefined = "/";
  private readonly madeFolders = new Set<string>();
  private readonly start = new ContainerStart();

  constructor(source: StageSource, draft: StageDraft, losses: Losses) {
    this.source = source;
    this.draft = draft;
    this.losses = losses;
    this.variables = new Variables(source.isFromScratch);
    this.hasShell = source.parts.some((part) => part.some(({ kind }) => kind === "run"));
  }

  run(): void {
    for (const part of this.source.parts) {
      this.variables.forgetArguments();
      this.start.inherit();
      for (const instruction of part) this.convert(instruction);
    }
    if (this.source.keepsTemporary && this.hasShell) this.draft.post.push("cd /", ...keeping);
    if (!this.source.isLast) return;
    const { isFromScratch } = this.source;
    const { folder } = this;
    this.start.write(this.draft, this.variables, this.losses, { isFromScratch, folder });
  }

  private convert(instruction: Instruction): void {
    const { losses, draft, variables } = this;
    const { location } = instruction;
    switch (instruction.kind) {
      case "from":
        return;
      case "run":
        this.noteFolder(instruction);
        draft.post.push(...convertRun(instruction, this.shell, losses));
        if (this.source.isLast && mentionsTemporary(instruction.command)) {
          tellTemporary(instruction, losses);
        }
        this.isAfterRun = true;
        return;
      case "copy":
      case "add":
        convertCopy(instruction, {
          ...this.copyContext(),
          ...this.source.originOf(instruction),
        });
        return;
      case "env":
        convertEnvironment(instruction.pairs, this.variableContext());
        return;
      case "arg":
        for (const pair of instruction.pairs) convertArgument(pair, this.variableContext());
        return;
      case "label":
        if (!this.source.isLast) return;
        for (const pair of instruction.pairs) convertLabel(pair, variables, draft, losses);
        return;
      case "workdir":
        this.setFolder(instruction, instruction.value);
        return;
      case "shell":
        this.shell = instruction.words;
        return;
      case "entrypoint":
      case "cmd":
        this.start.set(instruction, this.shell);
        return;
      case "maintainer": {
        if (!this.source.isLast) return;
        const value = instruction.value.replace(/^(["'])(.*)\1$/s, "$2");
        addLabel("maintainer", value, location, draft, losses);
        losses.differs(
          location,
          "MAINTAINER becomes the label maintainer",
          "write LABEL maintainer=…",
        );
        return;
      }
      case "user":
        if (/^(?:root|0)(?::(?:root|0))?$/.test(variables.known(instruction.value) ?? "")) return;
        losses.lost(
          location,
          "USER is left out: %post runs as root, and a container as whoever starts it",
          "let %post give files to users with chown, and make readable what everybody needs",
        );
        return;
      case "expose":
      case "volume":
      case "healthcheck":
      case "stopsignal":
      case "onbuild": {
        if (!this.source.isLast) return;
        const name = instruction.kind.toUpperCase();
        const hint = withoutCounterpart[instruction.kind];
        losses.lost(location, `${name} ${displayText(instruction.value)} is left out`, hint);
        return;
      }
    }
  }

  private variableContext(): VariableContext {
    const { variables, draft, losses, hasShell } = this;
    const { isLast, isFromScratch, globals } = this.source;
    return { variables, draft, losses, hasShell, isLast, isFromScratch, globals };
  }

  private copyContext(): Omit<CopyContext, "origin" | "isKept"> {
    const { draft, variables, losses, folder, madeFolders, isAfterRun, hasShell } = this;
    const { isFromScratch, kindOf, ignored } = this.source;
    return {
      draft,
      variables,
      losses,
      folder,
      madeFolders,
      isAfterRun,
      hasShell,
      isFromScratch,
      kindOf,
      ignored,
    };
  }

  private noteFolder({ location }: Instruction): void {
    if (this.source.isFromScratch || this.start.lastFolder !== undefined) return;
    this.losses.differsOnce(
      "folder",
      location,
      "commands before the first WORKDIR run in / as root, whatever the base image says",
      "write WORKDIR if the base has another folder than /",
    );
  }

  private setFolder(instruction: Instruction, value: Word): void {
    const { variables, draft } = this;
    const known = variables.known(value);
    const text = known ?? value.map((part) => (part.kind === "text" ? part.text : "")).join("");
    const isAbsolute =
      value[0]?.kind === "variable" && known === undefined ? false : text.startsWith("/");
    if (isAbsolute) this.start.folders = [];
    this.start.folders.push(known === undefined ? value : [{ kind: "text", text: known }]);
    const base = isAbsolute ? "" : this.folder;
    const folder =
      known === undefined || base === undefined ? undefined : normal(`${base}/${known}`);
    // It starts in /, which is there.
    const isUnchanged = folder === "/" && this.folder === "/";
    this.folder = folder;
    for (let path = this.folder ?? ""; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
      this.madeFolders.add(path);
    }
    if (!isAbsolute) this.noteFolder(instruction);
    this.start.lastFolder = instruction;
    if (this.hasShell && !isUnchanged) draft.post.push(...changeFolder(shellText(value)));
  }
}

/** What is there when the command has run is not looked at: most remove what they left. */
const mentionsTemporary = (command: Command) =>
  (command.form === "exec" ? command.words : command.lines).some((text) =>
    /(?:^|[\s"'=:>])\/(?:var\/)?tmp\b/.test(text),
  );

const withoutCounterpart = {
  expose: "a container has the network of the host",
  volume: "give folders at run time with --bind",
  healthcheck: "ask the program from outside, or write a %test",
  stopsignal: "apptainer instance stop --signal names it",
  onbuild: "write the instruction in the definitions that start from this image",
} as const;
