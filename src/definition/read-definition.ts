import type { Definition, ReadDefinition, Section, Stage } from "../model/definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { skippedLine, splitPair, type BuildArguments } from "./build-arguments.ts";
import { buildStage, joinSections } from "./build-stage.ts";
import { displayText } from "./display-text.ts";
import { withFixes } from "./fixes/with-fixes.ts";
import { headingName } from "./heading.ts";
import { readStage, type StageSyntax } from "./read-stage.ts";
import { SourceText, StageText } from "./source-text.ts";
import { splitStages } from "./split-stages.ts";
import { splitHeredoc, stageOddities } from "./stage-oddities.ts";
import { stageProblems } from "./stage-problems.ts";
import { syntaxProblems } from "./stage-syntax-problems.ts";
import { substitute, type Substitution } from "./substitute.ts";
import { suggest } from "./suggest.ts";
import { decodeText, leaveText } from "./text-encoding.ts";
import { tooLarge } from "./too-large.ts";
import { skipBlanks, trim } from "./white-space.ts";

export interface ReadOptions {
  /** The file as the user named it, for places. */
  readonly file: string;
  /** Values from the command line (`parseBuildArguments`). */
  readonly buildArguments?: BuildArguments | undefined;
  /** Warn about build arguments that nothing uses, instead of refusing (`--warn-unused-build-args`). */
  readonly warnUnused?: boolean | undefined;
  /** The agents there are; without them any value of `Bootstrap` passes. */
  readonly agents?: Iterable<string> | undefined;
}

/** What was made of one stage's text. */
interface StageReading {
  readonly diagnostics: Diagnostic[];
  readonly used: ReadonlySet<string>;
  /** What the user wrote, as far as it could be read. */
  readonly written: { readonly syntax: StageSyntax; readonly text: StageText } | undefined;
  /** Undefined when there are errors. */
  readonly final: { readonly syntax: StageSyntax; readonly text: StageText } | undefined;
}

const bom = "\ufeff";

/**
 * Reads a definition file: what Apptainer 1.4.5 accepts means here what it means there, and what that refuses is refused.
 *
 * The text is cut into stages, each is parsed, build arguments are filled in, and what comes out is parsed again. All
 * mistakes are collected, in the order of the file. Differences from Apptainer, all on purpose: sections may have any
 * length; a blank line or comment after a `\` in the header is a mistake with a place, not a crash; `localimage` without
 * `From` is refused; stage names in `%files from` are looked up at once.
 *
 * Neither disk nor network is touched, and no text makes it throw.
 */
export function readDefinition(source: Uint8Array | string, options: ReadOptions): ReadDefinition {
  const { encoding, text } = decodeText(source);
  const whole = new SourceText(options.file, text, encoding);
  const given = options.buildArguments ?? new Map();
  const diagnostics: Diagnostic[] = [];
  if (text.startsWith(bom)) diagnostics.push(byteOrderMark(whole));
  const used = new Set<string>();
  const stages: Stage[] = [];
  const sections: Section[][] = [];
  const stored: string[] = [];
  let above: StageReading["written"];
  for (const chunk of splitStages(text, text.startsWith(bom) ? 1 : 0)) {
    const raw = new StageText(whole, chunk.start, text.slice(chunk.start, chunk.end));
    const reading = readOneStage(raw, given, (above?.syntax.sections.length ?? 0) > 0);
    diagnostics.push(...reading.diagnostics);
    for (const name of reading.used) used.add(name);
    if (above !== undefined && reading.written !== undefined) {
      const warning = splitHeredoc(above.syntax, above.text, reading.written.text);
      if (warning !== undefined) diagnostics.push(warning);
    }
    above = reading.written ?? above;
    if (reading.final === undefined) continue;
    const { syntax, text: filled } = reading.final;
    const joined = joinSections(syntax.sections, filled);
    stages.push(buildStage(stages.length, syntax, filled, joined));
    sections.push(joined);
    stored.push(filled.text);
  }
  const isBroken = diagnostics.some(({ severity }) => severity === "error");
  if (stages.length === 0 && !isBroken) diagnostics.push(emptyDefinition(whole));
  // Half of a file tells nothing about names and arguments that the other half may use.
  if (stages.length > 0 && !isBroken) {
    diagnostics.push(...stageProblems(stages, sections, options.agents));
    diagnostics.push(...unusedArguments(given, used, options, stored.join("")));
  }
  const definition: Definition = {
    file: options.file,
    encoding,
    source: leaveText(text, encoding),
    stored: leaveText(stored.join(""), encoding),
    stages,
  };
  const hasError = diagnostics.some(({ severity }) => severity === "error");
  return {
    definition: hasError ? undefined : definition,
    diagnostics: withFixes(diagnostics.toSorted(inFileOrder), definition.source, options.file, {
      agents: [...(options.agents ?? [])],
      stages: stages.flatMap(({ name }) => (name === undefined ? [] : [name])),
    }),
  };
}

function readOneStage(raw: StageText, given: BuildArguments, isLater: boolean): StageReading {
  const nothing = { used: new Set<string>(), written: undefined, final: undefined };
  const large = tooLarge(raw.text);
  if (large !== undefined) {
    return { ...nothing, diagnostics: [tooLargeText(raw, large.at, large.message)] };
  }
  const syntax = readStage(raw.text);
  const problems = syntaxProblems(syntax, raw, isLater);
  const written = { syntax, text: raw };
  if (problems.length > 0) return { ...nothing, written, diagnostics: problems };
  const defaults = readDefaults(syntax, raw);
  // A stage with nothing in it is not there, nor is what stands in it: a comment above the first Bootstrap line, say.
  if (isEmpty(syntax, raw)) return { ...nothing, written, diagnostics: stageOddities(syntax, raw) };
  const values = new Map(defaults.values);
  for (const { name, value } of given.values()) values.set(name, value);
  const filled = substitute(raw.text, values);
  const missing = undefinedArguments(filled.missing, raw, [...values.keys()]);
  const diagnostics = [...defaults.diagnostics, ...missing];
  if (filled.isTooLong) {
    diagnostics.push(tooLargeText(raw, 0, "the values of the build arguments make it too long"));
  }
  const text = raw.replaced(filled.text, filled.replacements);
  const result = { used: filled.used, written };
  if (missing.length > 0 || filled.isTooLong) return { ...result, diagnostics, final: undefined };
  const isSame = filled.replacements.length === 0;
  const again = isSame ? undefined : tooLarge(filled.text);
  if (again !== undefined) {
    diagnostics.push(tooLargeText(text, again.at, again.message));
    return { ...result, diagnostics, final: undefined };
  }
  const finalSyntax = isSame ? syntax : readStage(filled.text);
  const late = isSame ? [] : syntaxProblems(finalSyntax, text, isLater);
  diagnostics.push(...late);
  if (late.length > 0) return { ...result, diagnostics, final: undefined };
  diagnostics.push(...stageOddities(finalSyntax, text));
  return { ...result, diagnostics, final: { syntax: finalSyntax, text } };
}

/** The default values of a stage, from its `%arguments` as they are written. */
function readDefaults({ sections }: StageSyntax, text: StageText) {
  const values = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const section of sections) {
    if (headingName(section.heading) !== "arguments") continue;
    let lineStart = section.bodySpan.start;
    for (const raw of text.text.slice(lineStart, section.bodySpan.end).split("\n")) {
      const start = skipBlanks(raw, 0);
      const line = trim(raw);
      const pair = splitPair(line);
      if (pair !== undefined && !line.startsWith("#")) values.set(pair.name, pair.value);
      else if (line !== "" && !line.startsWith("#")) {
        const at = lineStart + start;
        diagnostics.push(skippedLine(line, text.location(at, at + line.length)));
      }
      lineStart += raw.length + 1;
    }
  }
  return { values, diagnostics };
}

/** Whether a stage counts for nothing to Apptainer, which looks at more than lines: files, apps and headings' words too. */
function isEmpty(syntax: StageSyntax, text: StageText): boolean {
  if (syntax.fields.some(({ value }) => value !== undefined)) return false;
  return joinSections(syntax.sections, text).every(
    ({ name, app, argument, body }) =>
      app === undefined &&
      name !== "files" &&
      // Of labels it keeps those that there are, and nothing else.
      (name === "labels" ? hasNoLabel(body) : body === "" && argument === ""),
  );
}

const hasNoLabel = (body: string): boolean =>
  body.split("\n").every((line) => /^(?:#|$)/.test(trim(line)));

function byteOrderMark(source: SourceText): Diagnostic {
  return {
    severity: "error",
    code: "definition/byte-order-mark",
    message: "the file starts with a byte order mark, which is taken for part of the first word",
    location: source.location(0, 1),
    hint: "save the file as UTF-8 without BOM",
  };
}

function emptyDefinition(source: SourceText): Diagnostic {
  return {
    severity: "error",
    code: "definition/empty",
    message: "there is no stage in the file",
    location: source.location(0, 0),
    hint: "start with a line Bootstrap: docker and a line From: IMAGE",
  };
}

function tooLargeText(text: StageText, at: number, message: string): Diagnostic {
  return {
    severity: "error",
    code: "definition/too-large",
    message,
    location: text.location(at, at),
    hint: "is this a definition file? a large file is better brought in with %files",
  };
}

/** An argument's value is not looked through for the start of another placeholder; Apptainer does the same. */
const bracesAsText =
  "if the braces are text put O={{ below %arguments and write {{ O }} where they open";

/** How many names without a value are told one by one. */
const maxMissing = 50;

function undefinedArguments(
  missing: Substitution["missing"],
  text: StageText,
  known: readonly string[],
): Diagnostic[] {
  const told = missing
    .slice(0, maxMissing)
    .map(({ name, start, end }) => undefinedArgument(name, text, start, end, known));
  const next = missing[maxMissing];
  if (next === undefined) return told;
  return [
    ...told,
    {
      severity: "error",
      code: "definition/undefined-argument",
      message: `${missing.length - maxMissing} more build arguments have no value`,
      location: text.location(next.start, next.end),
      hint: bracesAsText,
    },
  ];
}

function undefinedArgument(
  name: string,
  text: StageText,
  start: number,
  end: number,
  known: Iterable<string>,
): Diagnostic {
  const near = suggest(name, known);
  const remedy = `give it with --build-arg ${displayText(name)}=VALUE, or a default below %arguments in this stage; ${bracesAsText}`;
  return {
    severity: "error",
    code: "definition/undefined-argument",
    message: `the build argument ${displayText(name)} has no value`,
    location: text.location(start, end),
    hint: near === undefined ? remedy : `did you mean ${displayText(near)}? or ${remedy}`,
  };
}

function unusedArguments(
  given: BuildArguments,
  used: ReadonlySet<string>,
  options: ReadOptions,
  stored: string,
): Diagnostic[] {
  if (given.size === 0) return [];
  const names = new Set(
    [...stored.matchAll(/\{\{\s*([0-9A-Za-z_]+)\s*\}\}/g)].map(([, name]) => name ?? ""),
  );
  return [...given.values()]
    .filter(({ name }) => !used.has(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, location }) => ({
      severity: options.warnUnused === true ? "warning" : "error",
      code: "definition/unused-argument",
      message: `nothing in ${options.file} uses the build argument ${displayText(name)}`,
      location,
      hint: names.has(name)
        ? "its placeholder stands behind a # on its line and is left as it is"
        : `take it away, or use {{ ${displayText(name)} }} in the definition`,
    }));
}

function inFileOrder(a: Diagnostic, b: Diagnostic): number {
  return a.location.line - b.location.line || a.location.column - b.location.column;
}
