// From the syntax tree of a stage to its fields and sections, in the order of the text, with what is wrong about them.

import type { CstElement, CstNode, IToken } from "chevrotain";
import type { Heading } from "./heading.ts";
import { parseStage } from "./parser.ts";
import {
  AppHeading,
  Continuation,
  headingOf,
  Key,
  LoneBackslash,
  LoneKey,
  UnknownHeading,
} from "./tokens.ts";
import { skipBlanks, trim, trimmedEnd } from "./white-space.ts";

/** Offsets into the text of the stage. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A `key: value` of the header. */
export interface FieldSyntax extends Span {
  /** As written, trimmed. */
  readonly key: string;
  readonly keySpan: Span;
  /** Undefined when the field ends with a backslash: then it is as if it were not there. */
  readonly value: string | undefined;
  readonly valueSpan: Span;
  /** Whether the value goes over more than one line. */
  readonly isContinued: boolean;
}

/** A heading of a known kind, and the lines below it. */
export interface SectionSyntax {
  readonly kind: "section" | "app";
  readonly heading: Heading;
  readonly headingSpan: Span;
  /** The lines as they are in the text. */
  readonly bodySpan: Span;
}

export type StageProblem = Span &
  (
    | { readonly kind: "no-colon" }
    | { readonly kind: "broken-continuation"; readonly key: string }
    | { readonly kind: "unknown-section"; readonly heading: Heading }
  );

export interface StageSyntax {
  readonly fields: readonly FieldSyntax[];
  readonly sections: readonly SectionSyntax[];
  readonly problems: readonly StageProblem[];
}

/** Reads the text of one stage. Gives what it can of a text with mistakes. */
export function readStage(text: string): StageSyntax {
  const tree = parseStage(text);
  const header = childNodes(tree, "header")[0];
  const problems: StageProblem[] = [];
  const fields: FieldSyntax[] = [];
  const elements = header === undefined ? [] : inOrder(header);
  const lastMeaningful = elements.findLastIndex(
    (element) => !isToken(element) || trim(element.image) !== "",
  );
  // The field that a backslash has left open. To Apptainer it stays so until some value is continued to its end, and on
  // a blank line or comment before that it crashes; but blank lines at the end of a header it trims away.
  let open: FieldSyntax | undefined;
  for (const [index, element] of elements.entries()) {
    if (isToken(element) && element.tokenType === LoneKey) {
      problems.push({ kind: "no-colon", ...wordsSpan(element) });
    } else if (isToken(element)) {
      if (open === undefined || index > lastMeaningful) continue;
      problems.push({ kind: "broken-continuation", key: open.key, ...lineSpan(element) });
      open = undefined;
    } else {
      const field = readField(element);
      fields.push(field);
      if (field.value === undefined) open = field;
      else if (field.isContinued) open = undefined;
    }
  }
  const sections: SectionSyntax[] = [];
  for (const node of childNodes(tree, "section")) {
    const section = readSection(node);
    if ("headingSpan" in section) sections.push(section);
    else problems.push(section);
  }
  return { fields, sections, problems };
}

function readField(node: CstNode): FieldSyntax {
  const own = inOrder(node).filter(isToken);
  const key = own.find((token) => token.tokenType === Key);
  const keySpan = key === undefined ? lineSpan(own[0]) : trimmedSpan(key);
  const pieces = childNodes(node, "value").flatMap((value) => inOrder(value).filter(isToken));
  const texts = pieces.filter((token) => token.tokenType.name.endsWith("Text"));
  const colon = own.find((token) => token.tokenType !== Key);
  const valueStart = texts[0]?.startOffset ?? endOf(colon ?? key);
  // What is shown of a value is what stands on its first line.
  const first = texts[0];
  const valueEnd = first === undefined ? valueStart : trimmedSpan(first).end;
  return {
    key: key === undefined ? "" : trim(key.image),
    keySpan,
    value: valueOf(pieces),
    valueSpan: { start: valueStart, end: valueEnd },
    isContinued: pieces.some((token) => token.tokenType === Continuation),
    start: keySpan.start,
    end: Math.max(valueEnd, keySpan.end),
  };
}

/** What a value says; undefined when it is still open at its end, which loses it. */
function valueOf(pieces: readonly IToken[]): string | undefined {
  let text = "";
  let isOpen = false;
  for (const { tokenType, image } of pieces) {
    if (tokenType === LoneBackslash) return undefined;
    isOpen = tokenType === Continuation;
    if (isOpen) text = text.endsWith("\\n") ? `${text.slice(0, -2)}\n` : text;
    else if (tokenType.name.endsWith("Text")) text += image;
  }
  return isOpen ? undefined : text;
}

/** A section, or what is wrong with its heading. */
function readSection(node: CstNode): SectionSyntax | StageProblem {
  const [heading, body] = inOrder(node).filter(isToken);
  if (heading === undefined) throw new Error("the parser gave a section without a heading");
  const { tokenType } = heading;
  if (tokenType === UnknownHeading) {
    return { kind: "unknown-section", heading: headingOf(heading), ...lineSpan(heading) };
  }
  const bodyStart = endOf(heading);
  return {
    kind: tokenType === AppHeading ? "app" : "section",
    heading: headingOf(heading),
    headingSpan: lineSpan(heading),
    bodySpan: { start: bodyStart, end: body === undefined ? bodyStart : endOf(body) },
  };
}

const isToken = (element: CstElement): element is IToken => "image" in element;

const childNodes = (node: CstNode, name: string) =>
  (node.children[name] ?? []).filter((child): child is CstNode => !isToken(child));

const startOf = (element: CstElement): number =>
  isToken(element) ? element.startOffset : (element.location?.startOffset ?? Number.NaN);

/** The children of a node as they stand in the text. */
function inOrder(node: CstNode): CstElement[] {
  return Object.values(node.children)
    .flat()
    .toSorted((a, b) => startOf(a) - startOf(b));
}

const endOf = (token: IToken | undefined) =>
  token === undefined ? 0 : token.startOffset + token.image.length;

/** The token without the end of its line. */
function lineSpan(token: IToken | undefined): Span {
  if (token === undefined) return { start: 0, end: 0 };
  const { length } = token.image.replace(/\r?\n$/, "");
  return { start: token.startOffset, end: token.startOffset + length };
}

/** The line without its comment. */
const wordsSpan = ({ startOffset, image }: IToken): Span =>
  trimmedSpan({ startOffset, image: image.split("#", 1)[0] ?? "" });

function trimmedSpan({ startOffset, image }: Pick<IToken, "startOffset" | "image">): Span {
  const start = skipBlanks(image, 0);
  const end = trimmedEnd(image, start, image.length);
  return { start: startOffset + start, end: startOffset + end };
}
