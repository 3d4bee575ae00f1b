import { DefinitionError } from "../model/error.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { appOf, markedBodyText } from "./build-stage.ts";
import { formatBody } from "./format-body.ts";
import { formatHeader } from "./format-header.ts";
import { headingName } from "./heading.ts";
import { readStage, type SectionSyntax, type StageSyntax } from "./read-stage.ts";
import { SourceText, StageText } from "./source-text.ts";
import { splitStages } from "./split-stages.ts";
import { syntaxProblems } from "./stage-syntax-problems.ts";
import { decodeText, leaveText } from "./text-encoding.ts";
import { tooLarge } from "./too-large.ts";

/**
 * A definition in one style: keywords as they are documented, one blank between a key and its value, section names in
 * lower case, lists indented, a blank line between sections, plain line feeds. It means the same: help texts stay as they
 * are, and scripts too, but for blank lines at their end. Formatting the result changes nothing.
 *
 * Build arguments are not needed. Comments stay where they are. Only a build argument whose value starts a section is no
 * longer read so where its placeholder began a line of a list, because such lines are indented.
 * @param file the name to use in messages
 * @throws {DefinitionError} with all mistakes, when the text is no definition that can be read
 */
export function formatDefinition(text: string, file = "definition"): string {
  return format(new SourceText(file, text, "utf8"));
}

/** `formatDefinition` for the bytes of a file, which may be no valid UTF-8. */
export function formatDefinitionFile(bytes: Uint8Array, file: string): Uint8Array {
  const { text, encoding } = decodeText(bytes);
  const formatted = format(new SourceText(file, text, encoding));
  return Buffer.from(leaveText(formatted, encoding), encoding);
}

function format(source: SourceText): string {
  const problems: Diagnostic[] = [];
  const blocks: Block[] = [];
  for (const [index, { start, end }] of splitStages(source.text).entries()) {
    const stage = new StageText(source, start, source.text.slice(start, end));
    const large = tooLarge(stage.text);
    if (large !== undefined) {
      problems.push({
        severity: "error",
        code: "definition/too-large",
        message: large.message,
        location: stage.location(large.at, large.at),
      });
      continue;
    }
    const syntax = readStage(stage.text);
    problems.push(...syntaxProblems(syntax, stage, index > 0));
    blocks.push(...formatStage(stage.text, syntax));
  }
  if (problems.length > 0) throw new DefinitionError(problems);
  const lines = blocks.flatMap((block, index) =>
    block.mayEndBlank && index < blocks.length - 1 ? [...block.lines, ""] : block.lines,
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** Lines that belong together, and whether a blank line may follow them without saying anything. */
interface Block {
  readonly lines: readonly string[];
  readonly mayEndBlank: boolean;
}

function formatStage(text: string, syntax: StageSyntax): Block[] {
  const end = syntax.sections[0]?.headingSpan.start ?? text.length;
  const header = formatHeader(text.slice(0, end), syntax.fields);
  // Comments above the first stage are close to it if they were.
  const isApart = syntax.fields.length > 0 || /\n\s*\n\s*$/.test(text.slice(0, end));
  const blocks: Block[] = header.length > 0 ? [{ lines: header, mayEndBlank: isApart }] : [];
  const lastOf = new Map(syntax.sections.map((section) => [identity(section), section]));
  for (const section of syntax.sections) {
    const name = headingName(section.heading);
    const goesOn = lastOf.get(identity(section)) !== section;
    const { lines, mayEndBlank } = formatBody(name, markedBodyText(section, text), goesOn);
    blocks.push({ lines: [headingLine(section, name), ...lines], mayEndBlank });
  }
  return blocks;
}

/** What sections that are joined have in common. */
function identity({ heading, kind }: SectionSyntax): string {
  return kind === "app"
    ? `${headingName(heading)} ${appOf(heading.argument ?? "")}`
    : headingName(heading);
}

function headingLine({ heading }: SectionSyntax, name: string): string {
  const argument = heading.argument ?? "";
  // A single blank behind the name says nothing; a second one does, behind %files.
  const line = argument === "" ? `%${name}` : `%${name} ${argument}`;
  return line.endsWith("\r") ? `${line}\r` : line;
}
