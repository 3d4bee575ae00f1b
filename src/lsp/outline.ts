import { splitPair } from "../definition/build-arguments.ts";
import { foldCase, headingName } from "../definition/heading.ts";
import { readStage, type Span } from "../definition/read-stage.ts";
import { splitStages } from "../definition/split-stages.ts";
import { tooLarge } from "../definition/too-large.ts";
import type { AppSectionName, SectionName } from "../model/definition.ts";

/** A word of the file with its place. All offsets are into the file's text. */
export interface Name extends Span {
  readonly text: string;
}

export interface FieldOutline {
  /** In lower case. */
  readonly key: string;
  readonly keySpan: Span;
  /** As written, on one line; undefined when it goes over several, or is lost. */
  readonly value: Name | undefined;
}

export interface SectionOutline {
  readonly name: SectionName | AppSectionName;
  readonly argument: string;
  readonly heading: Span;
  readonly body: Span;
  /** The stage that `%files from NAME` names. */
  readonly from: Name | undefined;
}

/** A default value of a build argument. */
export interface ArgumentOutline {
  readonly name: Name;
  readonly value: string;
}

export interface StageOutline extends Span {
  readonly fields: readonly FieldOutline[];
  readonly sections: readonly SectionOutline[];
  /** The value of its `Stage:` line. */
  readonly name: Name | undefined;
  readonly arguments: readonly ArgumentOutline[];
}

/**
 * What an editor has to know about a text that is being written: what can be read of it, however broken it is. Pieces
 * without a field and without a section, comments above the first stage for one, are left out.
 */
export function outlineOf(text: string): StageOutline[] {
  return splitStages(text).flatMap(({ start, end }) => {
    const chunk = text.slice(start, end);
    if (tooLarge(chunk) !== undefined) return [];
    const stage = stageOutline(text, chunk, start);
    return stage.fields.length + stage.sections.length === 0 ? [] : [stage];
  });
}

function stageOutline(text: string, chunk: string, start: number): StageOutline {
  const syntax = readStage(chunk);
  const moved = (span: Span): Span => ({ start: span.start + start, end: span.end + start });
  const fields = syntax.fields.map(({ key, keySpan, value, valueSpan, isContinued }) => ({
    key: foldCase(key),
    keySpan: moved(keySpan),
    value:
      value === undefined || value === "" || isContinued
        ? undefined
        : { text: value, ...moved(valueSpan) },
  }));
  const sections = syntax.sections.map(({ heading, headingSpan, bodySpan }) => {
    const name = headingName(heading);
    return {
      name,
      argument: heading.argument ?? "",
      heading: moved(headingSpan),
      body: moved(bodySpan),
      from: name === "files" ? originOf(text, moved(headingSpan)) : undefined,
    };
  });
  return {
    start,
    end: start + chunk.length,
    fields,
    sections,
    name: fields.findLast(({ key }) => key === "stage")?.value,
    arguments: sections
      .filter(({ name }) => name === "arguments")
      .flatMap(({ body }) => argumentsIn(text, body)),
  };
}

function originOf(text: string, heading: Span): Name | undefined {
  const line = text.slice(heading.start, heading.end);
  const [, before = "", name = ""] = /^(%+\w+ +[^\s#]+ +)([^\s#]+)\s*(?:#.*)?$/.exec(line) ?? [];
  const start = heading.start + before.length;
  return name === "" ? undefined : { text: name, start, end: start + name.length };
}

function argumentsIn(text: string, body: Span): ArgumentOutline[] {
  const found: ArgumentOutline[] = [];
  let at = body.start;
  for (const line of text.slice(body.start, body.end).split("\n")) {
    const pair = line.trimStart().startsWith("#") ? undefined : splitPair(line);
    if (pair !== undefined) {
      const start = at + line.indexOf(pair.name);
      const name = { text: pair.name, start, end: start + pair.name.length };
      found.push({ name, value: pair.value });
    }
    at += line.length + 1;
  }
  return found;
}

/** The stage that the offset is in, the last one at the end of the text. */
export function stageAt(stages: readonly StageOutline[], offset: number): StageOutline | undefined {
  return stages.find(({ start, end }) => offset >= start && offset < end) ?? stages.at(-1);
}

/** Whether the offset is in the span or at one of its ends, as a cursor is that touches a word. */
export const touches = (span: Span, offset: number): boolean =>
  offset >= span.start && offset <= span.end;
