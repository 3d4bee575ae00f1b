// What `tsbuild plan --json` prints, as JSON Schema (draft 2020-12). The compiler holds it together with the types of the
// plan: a member that is missing here, or is not there, is an error.

import type {
  App,
  CopyLine,
  MetadataTexts,
  PlanHere,
  Script,
  ScriptsHere,
  StagePlan,
  Step,
  TextWithArgument,
} from "../src/model/plan.ts";
import type { WayName } from "../src/isolation/isolation.ts";
import type { Location } from "../src/model/location.ts";
import type { Platform } from "../src/model/platform.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The members that may be undefined, which JSON leaves out. */
type Optional<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T] & string;

/** A schema for each member; those that may be missing have `optional` around them. */
type Members<T> = {
  readonly [K in keyof T & string]-?: K extends Optional<T>
    ? { readonly optional: Schema }
    : Schema;
};

const optional = (schema: Schema) => ({ optional: schema });

function object<T>(description: string, members: Members<T>): Schema {
  const entries = Object.entries(members as Readonly<Record<string, Schema>>);
  const isOptional = (schema: Schema): schema is { optional: Schema } => "optional" in schema;
  return {
    description,
    type: "object",
    properties: Object.fromEntries(
      entries.map(([name, schema]) => [name, isOptional(schema) ? schema.optional : schema]),
    ),
    required: entries.flatMap(([name, schema]) => (isOptional(schema) ? [] : [name])),
    additionalProperties: false,
  };
}

const text = (description: string): Schema => ({ description, type: "string" });
const flag = (description: string): Schema => ({ description, type: "boolean" });
const count = (description: string, minimum: number): Schema => ({
  description,
  type: "integer",
  minimum,
});
const word = (value: string): Schema => ({ const: value });
const oneOf = (...values: readonly string[]): Schema => ({ enum: values });
const list = (description: string, items: Schema): Schema => ({
  description,
  type: "array",
  items,
});
const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const dictionary = (description: string): Schema => ({
  description,
  type: "object",
  additionalProperties: { type: "string" },
});

const keywords = list("Keywords in lower case and their values, in the order of the file.", {
  type: "array",
  prefixItems: [{ type: "string" }, { type: "string" }],
  minItems: 2,
  maxItems: 2,
});

/** The step of one kind. */
type StepOf<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>;

const script = ref("script");
const copyLines = list("What is copied, in the order of the file.", ref("copyLine"));

const steps: { readonly [Kind in Step["kind"]]: Schema } = {
  "run-on-host": object<StepOf<"run-on-host">>("%pre or %setup, on the host.", {
    kind: word("run-on-host"),
    script,
  }),
  bootstrap: object<StepOf<"bootstrap">>("The base is opened, and /.singularity.d laid over it.", {
    kind: word("bootstrap"),
    agent: text("The value of Bootstrap."),
    header: dictionary("The keywords in lower case."),
    location: ref("location"),
  }),
  "take-sandbox": object<StepOf<"take-sandbox">>("The sandbox that is updated is taken as it is.", {
    kind: word("take-sandbox"),
    folder: text("Where it is."),
  }),
  "add-apps": object<StepOf<"add-apps">>("The trees of the apps are written.", {
    kind: word("add-apps"),
    apps: list("The apps.", ref("app")),
  }),
  "copy-from-stage": object<StepOf<"copy-from-stage">>("%files from a stage.", {
    kind: word("copy-from-stage"),
    stage: text("Its name."),
    lines: copyLines,
    location: ref("location"),
  }),
  "copy-from-host": object<StepOf<"copy-from-host">>("%files from the host.", {
    kind: word("copy-from-host"),
    lines: copyLines,
    location: ref("location"),
  }),
  "run-in-container": object<StepOf<"run-in-container">>("%post, and what installs the apps.", {
    kind: word("run-in-container"),
    script,
  }),
  "write-metadata": object<StepOf<"write-metadata">>(
    "The definition, labels, environment, help and scripts are written below /.singularity.d.",
    { kind: word("write-metadata"), texts: ref("texts"), header: keywords },
  ),
  "run-test": object<StepOf<"run-test">>("%test, with the root file system read-only.", {
    kind: word("run-test"),
    script,
  }),
  pack: object<StepOf<"pack">>("The image is written: the end of the last stage.", {
    kind: word("pack"),
    format: oneOf("sif", "sandbox"),
  }),
};

const optionalText = optional(ref("textWithArgument"));

/** The schema as an object; its file is this as JSON. */
export function planSchema(): Schema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "What tsbuild plan --json prints",
    ...object<PlanHere>("What a build will do.", {
      version: { description: "Which shape of plan this is.", const: 1 },
      file: text("The definition as the user named it."),
      definition: text("Its text with build arguments filled in, as the image keeps it."),
      encoding: {
        description: "latin1 where the definition is no UTF-8: then each character is a byte.",
        ...oneOf("utf8", "latin1"),
      },
      platform: ref("platform"),
      stages: list(
        "The stages, in the order of the file; the last becomes the image.",
        ref("stage"),
      ),
      here: optional(ref("scriptsHere")),
    }),
    $defs: {
      scriptsHere: object<ScriptsHere>(
        "How scripts are run on this machine; missing where there are none, and with --portable.",
        {
          way: optional(
            oneOf(
              ...Object.keys({
                root: 0,
                subid: 0,
                ident: 0,
                single: 0,
                bwrap: 0,
                chroot: 0,
                proot: 0,
              } satisfies Record<WayName, 0>),
            ),
          ),
          summary: optional(text("The same in words, behind: scripts run.")),
          losses: list("What can't be had that way, one sentence each.", { type: "string" }),
          passedOver: list(
            "The ways that are stronger, and why they don't work.",
            object<ScriptsHere["passedOver"][number]>("A way that does not work here.", {
              way: text("Its name."),
              reason: text("Why."),
              hint: optional(text("What would help.")),
            }),
          ),
          refused: optional(
            object<NonNullable<ScriptsHere["refused"]>>(
              "Why scripts can't be run: the error that a build ends with.",
              {
                code: text("The code of its page."),
                message: text("What is wrong."),
                hint: optional(text("What would help.")),
              },
            ),
          ),
        },
      ),
      platform: object<Platform>("What the image is for, in Go's words.", {
        os: word("linux"),
        architecture: text("amd64, arm64, …"),
        variant: optional(text("v7, v8, …")),
      }),
      location: object<Location>("A place in the definition.", {
        file: text("The definition, or the option of the command line."),
        line: count("From 1.", 1),
        column: count("From 1, in characters.", 1),
        length: count("In characters.", 0),
      }),
      stage: object<StagePlan>("A stage of the definition.", {
        index: count("From 0.", 0),
        name: optional(text("The value of Stage.")),
        header: keywords,
        location: ref("location"),
        updates: flag("Whether it starts from the sandbox that is updated, its Bootstrap unused."),
        needsSandbox: flag("Whether a script runs inside, so that the root is unpacked on disk."),
        steps: list("In the order in which they happen.", { oneOf: Object.values(steps) }),
      }),
      script: object<Script>("A script of the definition, ready to run.", {
        section: oneOf("pre", "setup", "post", "test"),
        body: text("Its lines."),
        interpreter: {
          description: "What stands between the shell and the script, or the words after -c.",
          oneOf: [
            object<Extract<Script["interpreter"], { kind: "options" }>>("Options of /bin/sh.", {
              kind: word("options"),
              words: list("The options.", { type: "string" }),
            }),
            object<Extract<Script["interpreter"], { kind: "command" }>>(
              "A command for the script.",
              {
                kind: word("command"),
                text: text("The command, to which the script's name is added."),
              },
            ),
          ],
        },
        location: ref("location"),
        lines: list("For each line of the body, its line in the definition.", count("From 1.", 1)),
      }),
      copyLine: object<CopyLine>("A line of %files.", {
        source: text("As written, without quotes."),
        destination: text("As written; the same as the source where none is given."),
        location: ref("location"),
      }),
      app: object<App>("An app (SCIF).", {
        name: text("What follows the section's name."),
        parts: {
          description: "The bodies of its sections, by their names without app.",
          type: "object",
          propertyNames: oneOf(
            ...Object.keys({
              install: 0,
              labels: 0,
              files: 0,
              env: 0,
              test: 0,
              help: 0,
              run: 0,
              start: 0,
            } satisfies Record<keyof App["parts"], 0>),
          ),
          additionalProperties: { type: "string" },
        },
        installLines: list("For each line of the install part, its line.", count("From 1.", 1)),
        files: copyLines,
        location: ref("location"),
      }),
      texts: object<MetadataTexts>(
        "The text sections of a stage; those that are not there are missing.",
        {
          help: optional(text("The body of %help.")),
          labels: optional(text("The body of %labels.")),
          environment: optional(text("The body of %environment.")),
          runscript: optionalText,
          startscript: optionalText,
          test: optionalText,
        },
      ),
      textWithArgument: object<TextWithArgument>("A section whose heading says something.", {
        body: text("Its lines."),
        argument: text("The heading after its first blank, as it is."),
      }),
    },
  };
}
