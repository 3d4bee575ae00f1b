import { displayText } from "../definition/display-text.ts";
import type { Command, Instruction, NamedWord } from "./dockerfile.ts";
import { plainText, variablesOf, type Word } from "./docker-word.ts";
import { convertCopy, normal, type CopyContext } from "./convert-copy.ts";
import { convertRun, defaultShell } from "./convert-run.ts";
import type { Losses } from "./losses.ts";
import { shellText, shellWord } from "./shell-text.ts";
import { changeFolder, StageDraft } from "./stage-draft.ts";
import { Variables } from "./variables.ts";

export interface StageSource {
  /** The instructions behind FROM, one list for each stage that this one starts from, the farthest first. */
  readonly parts: readonly (readonly Instruction[])[];
  readonly isFromScratch: boolean;
  /** The stage that becomes the image: of the others only files count. */
  readonly isLast: boolean;
  /** The defaults of the ARGs above the first FROM, as far as they are known. */
  readonly globals: ReadonlyMap<string, string | undefined>;
  /** The name of the stage in the definition that a COPY copies from. */
  readonly originOf: (copy: Instruction) => string | undefined;
  readonly kindOf: CopyContext["kindOf"];
}

/** Where the build's proxies are handed on, an ARG for them says nothing. */
const proxies = new Set(["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"]);

/** What Docker fills in by itself, for the platform that is most likely. */
const platformArguments: Readonly<Record<string, string>> = {
  TARGETPLATFORM: "linux/amd64",
  TARGETOS: "linux",
  TARGETARCH: "amd64",
  TARGETVARIANT: "",
  BUILDPLATFORM: "linux/amd64",
  BUILDOS: "linux",
  BUILDARCH: "amd64",
  BUILDVARIANT: "",
};

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
  /** The values of WORKDIR since the last absolute one. */
  private folders: Word[] = [];
  private entrypoint: readonly string[] | undefined;
  private cmd: readonly string[] | undefined;
  private isCmdOwn = false;
  private lastCommand: Instruction | undefined;
  private lastFolder: Instruction | undefined;

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
      this.isCmdOwn = false;
      for (const instruction of part) this.convert(instruction);
    }
    if (this.source.isLast) this.writeRunscript();
  }

  private convert(instruction: Instruction): void {
    const { losses, draft } = this;
    const { location } = instruction;
    switch (instruction.kind) {
      case "from":
        return;
      case "run":
        this.noteFolder(instruction);
        draft.post.push(...convertRun(instruction, this.shell, losses));
        this.isAfterRun = true;
        return;
      case "copy":
      case "add":
        convertCopy(instruction, {
          ...this.copyContext(),
          origin: this.source.originOf(instruction),
        });
        return;
      case "env":
        this.setEnvironment(instruction.pairs);
        return;
      case "arg":
        for (const pair of instruction.pairs) this.setArgument(pair);
        return;
      case "label":
        if (!this.source.isLast) return;
        for (const pair of instruction.pairs) this.setLabel(pair);
        return;
      case "workdir":
        this.setFolder(instruction, instruction.value);
        return;
      case "shell":
        this.shell = instruction.words;
        return;
      case "entrypoint":
        this.entrypoint = this.commandWords(instruction.command);
        // What the base says to start is an argument for the base's entrypoint.
        if (!this.isCmdOwn) this.cmd = undefined;
        this.lastCommand = instruction;
        return;
      case "cmd":
        this.cmd = this.commandWords(instruction.command);
        this.isCmdOwn = true;
        this.lastCommand = instruction;
        return;
      case "maintainer": {
        if (!this.source.isLast) return;
        const value = instruction.value.replace(/^(["'])(.*)\1$/s, "$2");
        this.addLabel("maintainer", value, instruction.location);
        losses.differs(
          location,
          "MAINTAINER becomes the label maintainer",
          "write LABEL maintainer=…",
        );
        return;
      }
      case "user":
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

  private copyContext(): Omit<CopyContext, "origin"> {
    const { draft, variables, losses, folder, madeFolders, isAfterRun, hasShell } = this;
    const { isFromScratch, kindOf } = this.source;
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
    };
  }

  private noteFolder({ location }: Instruction): void {
    if (this.source.isFromScratch || this.lastFolder !== undefined) return;
    this.losses.differsOnce(
      "folder",
      location,
      "commands before the first WORKDIR run in / as root, whatever the base image says",
      "write WORKDIR if the base has another folder than /",
    );
  }

  private setEnvironment(pairs: readonly NamedWord[]): void {
    const { variables, draft } = this;
    const before: string[] = [];
    const after: string[] = [];
    const now: string[] = [];
    const later: string[] = [];
    const values: { name: string; value: Word }[] = [];
    for (const { name: word, value = [], location } of pairs) {
      const name = plainText(word) ?? "";
      const foreign = variablesOf(value).filter(
        (used) => used !== "PATH" && variables.isForeign(used),
      );
      if (foreign[0] !== undefined && this.source.isLast && !this.source.isFromScratch) {
        const message = `$${foreign[0]} is what the base image or the caller of the container has`;
        this.losses.differs(
          location,
          message,
          "write the value out if it should always be the same",
        );
      }
      const text = variables.later(value);
      before.push(...text.before);
      later.push(`${name}=${text.text}`);
      after.push(...text.after);
      now.push(`${name}=${shellText(value)}`);
      values.push({ name, value });
    }
    if (this.source.isLast)
      draft.environment.push(...new Set(before), `export ${later.join(" ")}`, ...new Set(after));
    if (this.hasShell) draft.post.push(`export ${now.join(" ")}`);
    variables.setEnvironment(values);
  }

  private setArgument({ name: word, value, location }: NamedWord): void {
    const { variables, draft, losses } = this;
    const name = plainText(word) ?? "";
    if (proxies.has(name.toLowerCase()) && value === undefined) return;
    const automatic = platformArguments[name];
    if (automatic !== undefined && value === undefined) {
      const hint = `give another with --build-arg ${name}=VALUE`;
      losses.differs(
        location,
        `${name} is ${automatic === "" ? "empty" : automatic} unless it is given`,
        hint,
      );
    }
    const inherited =
      value === undefined ? (automatic ?? this.source.globals.get(name)) : undefined;
    const known = value === undefined ? (inherited ?? "") : variables.known(value);
    const taken = draft.arguments.get(name);
    const isPlaceholder =
      known !== undefined && isArgumentValue(known) && (taken === undefined || taken === known);
    const hasValue = value !== undefined || inherited !== undefined;
    const own: Word | undefined =
      value ?? (inherited === undefined ? undefined : [{ kind: "text", text: inherited }]);
    if (isPlaceholder) draft.arguments.set(name, known);
    else {
      const hint = "give the ARG a plain default, and the same one everywhere";
      losses.differs(location, `${name} can't be changed with --build-arg`, hint);
    }
    const isHidden = variables.hasEnvironment(name);
    if (this.hasShell && !isHidden) {
      const text = isPlaceholder ? `'{{ ${name} }}'` : shellText(own ?? []);
      const line = `export ${name}=${text}`;
      if (hasValue) draft.post.push(line);
      else if (isPlaceholder) draft.post.push(`if [ -n ${text} ]; then ${line}; fi`);
    }
    variables.setArgument(name, { isPlaceholder, word: own });
  }

  private setLabel({ name: word, value = [], location }: NamedWord): void {
    const name = this.variables.template(word);
    const text = this.variables.template(value);
    if (name === undefined || text === undefined) {
      const hint = "write the label without variables of the build";
      this.losses.lost(location, "the label has a value that only the build knows", hint);
      return;
    }
    this.addLabel(name, text, location);
  }

  private addLabel(name: string, value: string, location: Instruction["location"]): void {
    if (
      name === "" ||
      /^[#%]|\s|^bootstrap:/iu.test(name) ||
      /\{\{.*#|#.*\{\{/s.test(name + value)
    ) {
      const hint = "use a name without blanks, as in org.example.name";
      this.losses.lost(location, `the label ${displayText(name)} can't be written`, hint);
      return;
    }
    const line = value.replaceAll(/[\r\n\u0085\u2028\u2029]+/g, " ").trim();
    if (line !== value) {
      const hint = "labels of a definition are single lines";
      this.losses.differs(
        location,
        "blanks at the ends and line feeds of the value are lost",
        hint,
      );
    }
    this.draft.labels.set(name, line);
  }

  private setFolder(instruction: Instruction, value: Word): void {
    const { variables, draft } = this;
    const known = variables.known(value);
    const text = known ?? value.map((part) => (part.kind === "text" ? part.text : "")).join("");
    const isAbsolute =
      value[0]?.kind === "variable" && known === undefined ? false : text.startsWith("/");
    if (isAbsolute) this.folders = [];
    this.folders.push(known === undefined ? value : [{ kind: "text", text: known }]);
    const base = isAbsolute ? "" : this.folder;
    this.folder =
      known === undefined || base === undefined ? undefined : normal(`${base}/${known}`);
    for (let path = this.folder ?? ""; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
      this.madeFolders.add(path);
    }
    if (!isAbsolute) this.noteFolder(instruction);
    this.lastFolder = instruction;
    if (this.hasShell) draft.post.push(...changeFolder(shellText(value)));
  }

  private commandWords(command: Command): readonly string[] {
    if (command.form === "exec") return command.words;
    return [...this.shell, command.lines.join("")];
  }

  private writeRunscript(): void {
    const { draft, losses, source } = this;
    const entrypoint = this.entrypoint ?? [];
    const cmd = this.cmd ?? [];
    if (this.lastCommand === undefined || (entrypoint.length === 0 && cmd.length === 0)) {
      if (this.lastFolder === undefined) return;
      const hint = "start the program in its folder with a %runscript";
      losses.lost(
        this.lastFolder.location,
        "the folder that a container starts in is the caller's",
        hint,
      );
      return;
    }
    const [program = ""] = entrypoint.length > 0 ? entrypoint : cmd;
    if (ownRunscript.has(program)) {
      const hint = "what the image has at that path stays there and is run; nothing has to be done";
      losses.differs(this.lastCommand.location, `${program} is where a %runscript would be`, hint);
      return;
    }
    if (entrypoint.length === 0 && !source.isFromScratch) {
      const hint = "write ENTRYPOINT if the base image has one";
      losses.differs(
        this.lastCommand.location,
        "CMD is run by itself, whatever ENTRYPOINT the base image has",
        hint,
      );
    }
    if (this.lastFolder !== undefined) {
      const hint = "the %runscript goes to the folder; exec and shell start in the caller's";
      losses.differs(this.lastFolder.location, "only run starts in the WORKDIR", hint);
      const words = this.folders.map((word) => this.variables.later(word));
      draft.runscript.push(
        ...words.flatMap(({ before }) => before),
        ...words.map(({ text }) => `cd ${text}`),
      );
    }
    if (cmd.length > 0) {
      draft.runscript.push("if [ $# -eq 0 ]; then", `    set -- ${quoted(cmd)}`, "fi");
    }
    draft.runscript.push(entrypoint.length > 0 ? `exec ${quoted(entrypoint)} "$@"` : 'exec "$@"');
  }
}

/** A %runscript that started one of these would start itself, for ever. */
const ownRunscript: ReadonlySet<string> = new Set([
  "/.singularity.d/runscript",
  "/.singularity.d/actions/run",
  "/.run",
  "/singularity",
]);

const quoted = (words: readonly string[]) => words.map(shellWord).join(" ");

/** Whether `%arguments` can give the value, and a shell read it between single quotes. */
export function isArgumentValue(value: string): boolean {
  return value.trim() === value && !/['\n\r\u0085\u2028\u2029]|\{\{/.test(value);
}

const withoutCounterpart = {
  expose: "a container has the network of the host",
  volume: "give folders at run time with --bind",
  healthcheck: "ask the program from outside, or write a %test",
  stopsignal: "apptainer instance stop --signal names it",
  onbuild: "write the instruction in the definitions that start from this image",
} as const;
