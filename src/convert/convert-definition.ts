import type { BuildArguments } from "../definition/build-arguments.ts";
import { displayText } from "../definition/display-text.ts";
import { readDefinition } from "../definition/read-definition.ts";
import { stageOf } from "../definition/stage-of.ts";
import type { Definition, Stage } from "../model/definition.ts";
import { DefinitionError } from "../model/error.ts";
import type { Location } from "../model/location.ts";
import type { Converted, ConvertOptions } from "./converted.ts";
import { Losses } from "./losses.ts";
import { baseImage, type BaseImage } from "./to-dockerfile/base-image.ts";
import { Marks } from "./to-dockerfile/marks.ts";
import { argumentLines, defaultsOf, resolvedDefault } from "./to-dockerfile/stage-arguments.ts";
import { stageInstructions } from "./to-dockerfile/stage-instructions.ts";

/**
 * A Dockerfile that builds what a definition builds, as far as Docker has words for it. Every builder of Dockerfiles
 * reads it: there is nothing in it that only BuildKit knows.
 * @param source the text of the definition
 * @throws {DefinitionError} with all mistakes of the definition
 */
export function convertDefinition(source: string, options: ConvertOptions): Converted {
  const marks = new Marks(source);
  const { definition, diagnostics } = readDefinition(source, {
    file: options.file,
    buildArguments: marked(marks),
    warnUnused: true,
  });
  if (definition === undefined) throw new DefinitionError(diagnostics);
  const losses = new Losses();
  return {
    text: new DefinitionConversion(definition, marks, losses, options).text(),
    losses: losses.sorted(),
  };
}

/** In the place of each value stands a mark, which the Dockerfile has a variable for. */
function marked(marks: Marks): BuildArguments {
  const location = { file: "--build-arg", line: 1, column: 1, length: 0 };
  return new Map(marks.names.map((name) => [name, { name, value: marks.of(name), location }]));
}

class DefinitionConversion {
  private readonly definition: Definition;
  private readonly marks: Marks;
  private readonly losses: Losses;
  private readonly options: ConvertOptions;
  /** ARGs above the first FROM, by name. */
  private readonly globals = new Map<string, string>();
  /** Arguments that stand for an image, by the base that Docker can't fetch. */
  private readonly bases = new Map<string, string>();

  constructor(definition: Definition, marks: Marks, losses: Losses, options: ConvertOptions) {
    this.definition = definition;
    this.marks = marks;
    this.losses = losses;
    this.options = options;
  }

  text(): string {
    const { stages } = this.definition;
    const bases = stages.map((stage) =>
      baseImage(stage, this.marks, this.losses, (base) => this.baseArgument(base)),
    );
    const names = this.stageNames(bases);
    const texts = stages.map((stage, index) => {
      const { image, argument } = bases[index] ?? { image: undefined, argument: undefined };
      const name = names[index];
      const from =
        argument === undefined ? this.imageText(stage, image ?? "scratch") : `\${${argument}}`;
      return [
        `FROM ${from}${name === undefined ? "" : ` AS ${name}`}`,
        ...this.stageLines(stage, names, image === undefined && argument === undefined),
      ].join("\n");
    });
    const above = [
      ...[...this.bases.values()].map((name) => `ARG ${name}`),
      ...this.globals.values(),
    ];
    return [...(above.length > 0 ? [above.join("\n")] : []), ...texts].join("\n\n") + "\n";
  }

  private stageLines(
    stage: Stage,
    names: readonly (string | undefined)[],
    isFromScratch: boolean,
  ): string[] {
    const { marks, losses } = this;
    const { stages } = this.definition;
    const isLast = stage.index === stages.length - 1;
    const defaults = defaultsOf(stage);
    const used = stage.sections
      .filter(({ name }) => name !== "arguments")
      .flatMap(({ body, argument }) => marks.in(argument + body));
    const location = (name: string) => this.placeOf(name);
    const wanted = argumentLines(used, defaults, marks, losses, location);
    for (const name of new Set(used)) if (!defaults.has(name)) this.tellMissing(name);
    const globals = new Set(this.globals.values());
    if (!isLast && !this.isCopiedFrom(stage)) {
      const hint =
        "BuildKit builds what the last stage needs; docker build --target NAME does this one";
      losses.differs(
        stage.location,
        "nothing is copied from this stage, and it is not built",
        hint,
      );
    }
    const instructions = stageInstructions(stage, {
      marks,
      losses,
      kindOf: this.options.kindOf,
      isFromScratch,
      isLast,
      names: [...marks.names].filter((name) =>
        wanted.some((line) => new RegExp(`^ARG ${marks.variable(name)}(?:=|$)`).test(line)),
      ),
      valueOf: (name) => resolvedDefault(name, defaults, marks),
      numberOf: (name) => {
        const found = stages.slice(0, stage.index).find((earlier) => earlier.name === name);
        return found && (names[found.index] ?? String(found.index));
      },
    });
    const isShown = used.length > 0 && instructions.some((line) => line.startsWith("RUN "));
    if (isShown) {
      losses.differsOnce(
        "arguments",
        location(used[0] ?? ""),
        "build arguments are variables of RUN: programs see them, and quotes in a value mean nothing",
        "give an argument another name if a program has a meaning for it",
      );
    }
    return [
      ...wanted.map((line) => (globals.has(line) ? line.replace(/=.*$/s, "") : line)),
      ...instructions,
    ];
  }

  private isCopiedFrom({ name, index }: Stage): boolean {
    const { stages } = this.definition;
    if (stages.find((stage) => stage.name === name)?.index !== index) return false;
    return stages.slice(index + 1).some(({ sections }) =>
      sections.some((section) => {
        const origin = section.name === "files" ? stageOf(section) : undefined;
        return origin?.kind === "stage" && origin.name === name;
      }),
    );
  }

  /** The image with variables for arguments, which have to be known above the first FROM. */
  private imageText(stage: Stage, image: string): string {
    const { marks, losses, globals } = this;
    const defaults = defaultsOf(stage);
    const location = (name: string) => this.placeOf(name);
    const lines = argumentLines(marks.in(image), defaults, marks, losses, location);
    for (const line of lines) {
      const [variable = ""] = /(?<=^ARG )\w+/.exec(line) ?? [];
      const there = globals.get(variable);
      if (there === undefined) globals.set(variable, line);
      else if (there !== line) {
        const hint = "Docker has one default for all FROMs; use another name";
        const message = `${variable} has the default of a stage above in FROM`;
        losses.differs(stage.location, message, hint);
      }
    }
    for (const name of marks.in(image)) if (!defaults.has(name)) this.tellMissing(name);
    return marks.replace(image, (name) => `\${${marks.variable(name)}}`);
  }

  private tellMissing(name: string): void {
    this.losses.differsOnce(
      `no default of ${name}`,
      this.placeOf(name),
      `without --build-arg ${this.marks.variable(name)}=… Docker takes an empty value`,
      "give it a default in %arguments",
    );
  }

  private baseArgument(base: string): string {
    const known = this.bases.get(base);
    if (known !== undefined) return known;
    const taken = new Set([
      ...this.bases.values(),
      ...this.marks.names.map((name) => this.marks.variable(name)),
    ]);
    let name = "BASE";
    for (let number = 2; taken.has(name); number++) name = `BASE_${number}`;
    this.bases.set(base, name);
    return name;
  }

  /**
   * What Docker can call each stage; it has a number besides. A name that is an image's too would be taken for the stage,
   * in FROM and in `--from`.
   */
  private stageNames(bases: readonly BaseImage[]): readonly (string | undefined)[] {
    const images = new Set(bases.map(({ image }) => image?.toLowerCase()));
    const seen = new Set<string>();
    return this.definition.stages.map(({ name }) => {
      const lower = name?.toLowerCase() ?? "";
      const isGood = /^[a-z][a-z0-9_.-]*$/.test(lower) && lower !== "scratch";
      if (!isGood || images.has(lower) || seen.has(lower)) return undefined;
      seen.add(lower);
      return lower;
    });
  }

  /** Where the first placeholder of an argument is. */
  private placeOf(name: string): Location {
    const { source, file } = this.definition;
    const found = new RegExp(`\\{\\{[\\t\\n\\f\\r ]*${name}[\\t\\n\\f\\r ]*\\}\\}`).exec(source);
    const before = source.slice(0, found?.index ?? 0).split("\n");
    return {
      file,
      line: before.length,
      column: Array.from(before.at(-1) ?? "").length + 1,
      length: Array.from(displayText(found?.[0] ?? "")).length,
    };
  }
}
