// From the syntax of one stage to the stage of the model: repeated keys and sections joined, as Apptainer joins them.

import type {
  AppSectionName,
  HeaderField,
  Section,
  SectionName,
  Stage,
} from "../model/definition.ts";
import { foldCase, headingName, withoutMarks } from "./heading.ts";
import { JoinedSection } from "./joined-section.ts";
import type { FieldSyntax, SectionSyntax, Span, StageSyntax } from "./read-stage.ts";
import type { StageText } from "./source-text.ts";
import { leaveText } from "./text-encoding.ts";

/**
 * The stage that the syntax describes.
 * @param sections its sections (`joinSections`); those that count for nothing are left out
 */
export function buildStage(
  index: number,
  syntax: StageSyntax,
  text: StageText,
  sections: readonly Section[],
): Stage {
  const header = buildHeader(syntax.fields, text);
  const first = syntax.fields.find((field) => foldCase(field.key) === "bootstrap");
  const start = first ?? syntax.fields[0] ?? syntax.sections[0]?.headingSpan;
  return {
    index,
    name: header.find((field) => field.key === "stage")?.value,
    header,
    sections: sections.filter(({ app, body }) => app !== undefined || body !== ""),
    location: text.location(start?.start ?? 0, start?.end ?? 0),
  };
}

function buildHeader(fields: readonly FieldSyntax[], text: StageText): HeaderField[] {
  const byKey = new Map<string, HeaderField>();
  for (const { key, value, start, end, valueSpan } of fields) {
    if (value === undefined) continue;
    const folded = foldCase(key);
    byKey.set(folded, {
      key: leaveText(folded, text.source.encoding),
      value: leaveText(value, text.source.encoding),
      location: text.location(start, end),
      valueLocation: text.location(valueSpan.start, valueSpan.end),
    });
  }
  return [...byKey.values()];
}

interface Joined {
  readonly name: SectionName | AppSectionName;
  readonly app: string | undefined;
  argument: string;
  /** The heading whose argument counts. */
  heading: SectionSyntax;
  readonly bodies: string[];
  /** Where its parts are. */
  readonly pieces: Span[];
}

/** The sections of a stage, joined. */
export function joinSections(sections: readonly SectionSyntax[], text: StageText): Section[] {
  const byKey = new Map<string, Joined>();
  for (const section of sections) {
    const name = headingName(section.heading);
    const argument = section.heading.argument ?? "";
    const app = section.kind === "app" ? appOf(argument) : undefined;
    const key = JSON.stringify(name === "files" ? [name, argument] : [name, app]);
    let joined = byKey.get(key);
    if (joined === undefined) {
      joined = { name, app, argument, heading: section, bodies: [], pieces: [] };
      byKey.set(key, joined);
    } else if (argument !== "") {
      joined.argument = argument;
      joined.heading = section;
    }
    joined.bodies.push(bodyText(section, text.text));
    joined.pieces.push(section.bodySpan);
  }
  return [...byKey.values()].map(({ name, app, argument, heading, bodies, pieces }) => {
    const location = text.location(heading.headingSpan.start, heading.headingSpan.end);
    const section = { name, app, argument, body: bodies.join(""), location };
    return new JoinedSection(section, text, pieces);
  });
}

/** The app that a heading's argument names: up to its next blank. */
export function appOf(argument: string): string {
  return argument.split(" ", 1)[0] ?? "";
}

/** The lines of a section as scripts get them: without marks and CR before a line feed, the last one ended too. */
export function bodyText(section: SectionSyntax, text: string): string {
  return withoutMarks(markedBodyText(section, text));
}

/** The same with the marks. */
export function markedBodyText({ bodySpan: { start, end } }: SectionSyntax, text: string): string {
  const body = text.slice(start, end);
  if (body === "") return "";
  return (body.endsWith("\n") ? body : `${body}\n`).replaceAll("\r\n", "\n");
}
