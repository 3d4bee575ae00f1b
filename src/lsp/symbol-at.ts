import type { Span } from "../definition/read-stage.ts";
import {
  outlineOf,
  stageAt,
  touches,
  type ArgumentOutline,
  type FieldOutline,
  type Name,
  type SectionOutline,
  type StageOutline,
} from "./outline.ts";

/** What the cursor is on. */
export type DefinitionSymbol = Span &
  (
    | { readonly kind: "keyword"; readonly field: FieldOutline; readonly stage: StageOutline }
    | { readonly kind: "agent"; readonly name: string }
    | { readonly kind: "section"; readonly section: SectionOutline }
    /** The name of a stage, where it gets it or where files are copied from it; `stage` is the one that is meant. */
    | { readonly kind: "stage"; readonly name: string; readonly stage: StageOutline | undefined }
    /** A build argument, where it is used or where it has its default. */
    | {
        readonly kind: "argument";
        readonly name: string;
        readonly argument: ArgumentOutline | undefined;
      }
  );

const placeholder = /\{\{[\t\f\r ]*([0-9A-Za-z_]+)[\t\f\r ]*\}\}/g;

/** What of the language stands at the offset of the text; undefined for all that is not its own, scripts for one. */
export function symbolAt(text: string, offset: number): DefinitionSymbol | undefined {
  const stages = outlineOf(text);
  const stage = stageAt(stages, offset);
  if (stage === undefined) return undefined;
  return (
    argumentAt(text, stage, offset) ??
    headerSymbolAt(stages, stage, offset) ??
    headingSymbolAt(stages, stage, offset)
  );
}

function argumentAt(
  text: string,
  stage: StageOutline,
  offset: number,
): DefinitionSymbol | undefined {
  // The last default of a name is the one that counts.
  const meant = (name: string) => stage.arguments.findLast((one) => one.name.text === name);
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const feed = text.indexOf("\n", offset);
  for (const match of text.slice(lineStart, feed === -1 ? undefined : feed).matchAll(placeholder)) {
    const [image, name = ""] = match;
    const start = lineStart + match.index;
    const span = { start, end: start + image.length };
    if (touches(span, offset)) return { kind: "argument", name, argument: meant(name), ...span };
  }
  const own = stage.arguments.find(({ name }) => touches(name, offset));
  if (own === undefined) return undefined;
  const { start, end, text: name } = own.name;
  return { kind: "argument", name, argument: meant(name), start, end };
}

function headerSymbolAt(
  stages: readonly StageOutline[],
  stage: StageOutline,
  offset: number,
): DefinitionSymbol | undefined {
  for (const field of stage.fields) {
    if (touches(field.keySpan, offset)) return { kind: "keyword", field, stage, ...field.keySpan };
    if (field.value === undefined || !touches(field.value, offset)) continue;
    const { text, start, end } = field.value;
    if (field.key === "bootstrap") return { kind: "agent", name: text, start, end };
    if (field.key === "stage") {
      // Of two stages with one name only the first can be copied from; the other is known by its own line alone.
      const first = stageCalled(stages, text);
      const meant = first === stage ? first : stage;
      return { kind: "stage", name: text, stage: meant, start, end };
    }
  }
  return undefined;
}

function headingSymbolAt(
  stages: readonly StageOutline[],
  stage: StageOutline,
  offset: number,
): DefinitionSymbol | undefined {
  const section = stage.sections.find(({ heading }) => touches(heading, offset));
  if (section === undefined) return undefined;
  const { from, heading } = section;
  if (from === undefined || !touches(from, offset)) return { kind: "section", section, ...heading };
  const { text, start, end } = from;
  return { kind: "stage", name: text, stage: stageCalled(stages, text), start, end };
}

/** The stage that `%files from NAME` copies from. */
export function stageCalled(
  stages: readonly StageOutline[],
  name: string,
): StageOutline | undefined {
  return stages.find((stage) => stage.name?.text === name);
}

/** The places where the name of the stage stands: its own line, and the headings that copy from it. */
export function namesOf(text: string, stage: StageOutline): Name[] {
  const stages = outlineOf(text);
  const name = stage.name;
  if (name === undefined) return [];
  if (stageCalled(stages, name.text)?.start !== stage.start) return [name];
  const uses = stages
    .flatMap(({ sections }) => sections)
    .flatMap(({ from }) => (from?.text === name.text ? [from] : []));
  return [name, ...uses];
}
