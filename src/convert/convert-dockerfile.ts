import { displayText } from "../definition/display-text.ts";
import { formatDefinition } from "../definition/format-definition.ts";
import { readDefinition } from "../definition/read-definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { DefinitionError } from "../model/error.ts";
import type { Location } from "../model/location.ts";
import type { Converted, ConvertOptions } from "./converted.ts";
import { convertStage } from "./to-definition/convert-stage.ts";
import { isArgumentValue } from "./to-definition/stage-variables.ts";
import type { Dockerfile, Instruction } from "./dockerfile/dockerfile.ts";
import { plainText, type Word } from "./dockerfile/docker-word.ts";
import { Losses } from "./losses.ts";
import { readDockerfile } from "./dockerfile/read-dockerfile.ts";
import {
  findStage,
  fromFlag,
  hasRun,
  neededStages,
  partsOf,
  rootOf,
  stagesToKeep,
  type DockerStage,
} from "./to-definition/docker-stage.ts";
import { StageDraft } from "./to-definition/stage-draft.ts";
import { Variables } from "./to-definition/variables.ts";

/**
 * A definition that builds what a Dockerfile builds, in the canonical form. Stages that the last one does not need are
 * left out, as Docker does; a stage that starts from another has that one's instructions in front of its own.
 * @throws {DefinitionError} `convert/…` with all mistakes of the Dockerfile
 */
export function convertDockerfile(source: string, options: ConvertOptions): Converted {
  const { dockerfile, diagnostics } = readDockerfile(source, options.file);
  if (dockerfile === undefined) throw new DefinitionError(diagnostics);
  const losses = new Losses();
  const draft = new FileConversion(dockerfile, options, losses).text();
  const read = readDefinition(draft, { file: options.file });
  if (read.definition === undefined) throw unwritable(options.file, read.diagnostics);
  return { text: formatDefinition(draft), losses: losses.sorted() };
}

function unwritable(file: string, diagnostics: readonly Diagnostic[]): DefinitionError {
  const location: Location = { file, line: 1, column: 1, length: 0 };
  return new DefinitionError([
    {
      severity: "error",
      code: "convert/unwritable",
      message: `no definition can say this: ${diagnostics.find(({ severity }) => severity === "error")?.message ?? ""}`,
      location,
      hint: "take out words in {{ }} and lines that start with % or bootstrap:",
    },
  ]);
}

class FileConversion {
  private readonly losses: Losses;
  private readonly options: ConvertOptions;
  private readonly stages: DockerStage[] = [];
  private readonly globals = new Map<string, string | undefined>();
  private readonly problems: Diagnostic[] = [];
  /** Stages of the definition that are only there to be copied from, by image. */
  private readonly images = new Map<string, string>();
  private readonly names = new Map<DockerStage, string>();

  constructor({ instructions, frontend }: Dockerfile, options: ConvertOptions, losses: Losses) {
    this.options = options;
    this.losses = losses;
    if (frontend !== undefined && !/^(?:docker\.io\/)?docker\/dockerfile\b/.test(frontend.text)) {
      const hint = "have that frontend build the file, and start a definition from the image";
      const message = `${displayText(frontend.text)} may read the file in another way`;
      losses.differs(frontend.location, message, hint);
    }
    const variables = new Variables(true);
    for (const instruction of instructions) {
      const current = this.stages.at(-1);
      if (instruction.kind === "from") this.addStage(instruction);
      else if (current !== undefined) current.body.push(instruction);
      else if (instruction.kind === "arg") {
        for (const { name, value } of instruction.pairs) {
          const key = plainText(name) ?? "";
          const known = value === undefined ? undefined : variables.known(value);
          this.globals.set(key, known);
          // Later ARGs above the first FROM may use it.
          if (known !== undefined) variables.setEnvironment([{ name: key, value: value ?? [] }]);
        }
      }
    }
  }

  /** The definition, not yet in its canonical form. */
  text(): string {
    const needed = neededStages(this.stages);
    this.nameStages(needed);
    const kept = stagesToKeep(this.stages, needed);
    const texts: string[] = [];
    for (const stage of this.stages) {
      if (!needed.has(stage)) continue;
      const draft = new StageDraft();
      const parts = partsOf(stage);
      const root = rootOf(stage);
      this.writeHeader(stage, root, draft);
      convertStage(
        {
          parts,
          isLast: stage === this.stages.at(-1),
          isFromScratch: root.image === "scratch",
          globals: this.globals,
          originOf: (copy) => this.originOf(copy, stage),
          keepsTemporary: kept.has(stage),
          kindOf: this.options.kindOf ?? (() => undefined),
          ignored: this.options.ignored,
        },
        draft,
        this.losses,
      );
      texts.push(draft.text());
    }
    if (this.problems.length > 0) throw new DefinitionError(this.problems);
    const images = [...this.images].map(
      ([image, name]) => `Bootstrap: docker\nFrom: ${image}\nStage: ${name}\n`,
    );
    return [...images, ...texts].join("\n");
  }

  private addStage(from: Instruction & { kind: "from" }): void {
    const image = this.resolved(from.image) ?? "";
    if (!/^\w[\w./:@+-]*$/.test(image)) {
      const shown = from.image
        .map((part) => (part.kind === "text" ? part.text : `$${part.name}`))
        .join("");
      this.problem(
        from.location,
        "convert/no-base",
        `FROM ${displayText(shown)} names no image`,
        "give every ARG in it a default above the first FROM",
      );
    }
    // A name that was given twice means the last stage that has it.
    const base = this.stages.findLast((stage) => stage.from.name === image.toLowerCase());
    this.stages.push({ index: this.stages.length, from, body: [], base, image });
  }

  /** The word with the defaults of the ARGs above the first FROM. */
  private resolved(word: Word): string | undefined {
    const variables = new Variables(true);
    const pairs = [...this.globals].flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value: [{ kind: "text" as const, text: value }] }],
    );
    variables.setEnvironment(pairs);
    return variables.known(word);
  }

  private writeHeader(stage: DockerStage, root: DockerStage, draft: StageDraft): void {
    const { from } = root;
    const isVariable = plainText(from.image) === undefined;
    if (root.image === "scratch") draft.header.push("Bootstrap: scratch");
    else
      draft.header.push(
        "Bootstrap: docker",
        `From: ${isVariable ? this.template(root, draft) : root.image}`,
      );
    const name = this.names.get(stage);
    if (name !== undefined) draft.header.push(`Stage: ${name}`);
    if (/onbuild/i.test(root.image)) {
      const hint = "write its ONBUILD instructions into the Dockerfile";
      this.losses.differs(from.location, "what the base says for ONBUILD is not done", hint);
    }
    for (let at: DockerStage | undefined = stage; at !== undefined; at = at.base) {
      const { platform, image, location } = at.from;
      if (platform !== undefined && !/BUILDPLATFORM|TARGETPLATFORM/.test(platform.value ?? "")) {
        const message = `--platform=${platform.value ?? ""} is left out`;
        this.losses.lost(platform.location, message, "choose the architecture with --arch");
      }
      if (plainText(image) === undefined && (at.base !== undefined || at.image === "scratch")) {
        const hint = "the stage of the ARGs' defaults is taken";
        this.losses.differs(location, "--build-arg can't choose the stage to start from", hint);
      }
    }
  }

  /** The image with placeholders for ARGs. */
  private template({ from, image }: DockerStage, draft: StageDraft): string {
    const names = new Map<string, string>();
    let text = "";
    for (const part of from.image) {
      if (part.kind === "text") {
        text += part.text;
        continue;
      }
      const value = this.globals.get(part.name);
      if (part.operator !== undefined || value === undefined || !isArgumentValue(value)) {
        this.losses.differs(
          from.location,
          "--build-arg can't choose the image",
          "use ARGs with defaults, without :- in FROM",
        );
        return image;
      }
      names.set(part.name, value);
      text += `{{ ${part.name} }}`;
    }
    for (const [name, value] of names) draft.arguments.set(name, value);
    return text;
  }

  private nameStages(needed: ReadonlySet<DockerStage>): void {
    const taken = new Set<string>();
    const last = this.stages.at(-1);
    for (const stage of needed) {
      if (stage === last && stage.from.name === undefined) continue;
      let name = stage.from.name ?? `stage-${stage.index}`;
      while (taken.has(name)) name += `-${stage.index}`;
      taken.add(name);
      this.names.set(stage, name);
    }
  }

  private originOf(copy: Instruction, stage: DockerStage) {
    const flag = fromFlag(copy);
    if (flag === undefined) return { origin: undefined, isKept: false };
    let user: DockerStage = stage;
    while (!user.body.includes(copy) && user.base !== undefined) user = user.base;
    const found = findStage(flag, user, this.stages);
    if (found !== undefined) return { origin: this.names.get(found), isKept: hasRun(found) };
    const image = flag.value ?? "";
    if (!/^\w[\w./:@+-]*$/.test(image) || /^\d+$/.test(image) || image === "scratch") {
      const hint = "name an earlier stage, or an image";
      this.problem(
        flag.location,
        "convert/no-base",
        `there is no stage ${displayText(image)} before this one`,
        hint,
      );
      return { origin: undefined, isKept: false };
    }
    let name = this.images.get(image);
    if (name === undefined) {
      const taken = new Set(this.names.values());
      name = `image-${this.images.size}`;
      while (taken.has(name)) name += "-copied";
      this.images.set(image, name);
    }
    return { origin: name, isKept: false };
  }

  private problem(location: Location, code: string, message: string, hint: string): void {
    this.problems.push({ severity: "error", code, message, location, hint });
  }
}
