import { CompletionItemKind, type CompletionItem } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { headerKeywords } from "../definition/header-keywords.ts";
import { rules } from "../definition/rules/rules.ts";
import { appSectionNames, isAppSectionName, sectionNames } from "../definition/section-names.ts";
import { findSource, sources } from "../source/find-source.ts";
import { sectionMeaning } from "./hover.ts";
import { outlineOf, stageAt, type StageOutline } from "./outline.ts";

/** What can be written, and over which characters before the cursor. */
interface Proposal {
  readonly typed: number;
  readonly items: readonly Item[];
}

interface Item {
  readonly label: string;
  readonly kind: CompletionItemKind;
  readonly detail: string;
  readonly text?: string;
}

/** What can stand at the offset: sections, keywords of the header, agents, stages, build arguments, names of rules. */
export function complete(document: TextDocument, offset: number): CompletionItem[] {
  const text = document.getText();
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const before = text.slice(lineStart, offset);
  const stages = outlineOf(text);
  const stage = stageAt(stages, offset);
  const proposal =
    argumentNames(before, stage, text.slice(offset)) ??
    ruleNames(before) ??
    sections(before) ??
    stageNames(before, stages, offset) ??
    (isInHeader(stage, offset) ? (agents(before) ?? keywords(before, stage)) : undefined);
  if (proposal === undefined) return [];
  const start = document.positionAt(offset - proposal.typed);
  const range = { start, end: document.positionAt(offset) };
  return proposal.items.map(({ label, kind, detail, text: newText = label }) => ({
    label,
    kind,
    detail,
    filterText: label,
    textEdit: { range, newText },
  }));
}

function isInHeader(stage: StageOutline | undefined, offset: number): boolean {
  const first = stage?.sections[0];
  return first === undefined || offset < first.heading.start;
}

function argumentNames(
  before: string,
  stage: StageOutline | undefined,
  after: string,
): Proposal | undefined {
  const typed = /\{\{[\t ]*([0-9A-Za-z_]*)$/.exec(before)?.[1];
  if (typed === undefined) return undefined;
  const closing = /^[\t ]*\}\}/.test(after) ? "" : " }}";
  const opening = before.endsWith("{{") ? " " : "";
  const values = new Map(stage?.arguments.map(({ name, value }) => [name.text, value]));
  const items = [...values].map(([label, value]) => ({
    label,
    kind: CompletionItemKind.Variable,
    detail: `by default ${value}`,
    text: opening + label + closing,
  }));
  return { typed: typed.length, items };
}

function ruleNames(before: string): Proposal | undefined {
  const typed = /#\s*tsbuild:\s*disable=(?:[a-z-]+\s*,\s*)*([a-z-]*)$/.exec(before)?.[1];
  if (typed === undefined) return undefined;
  const items = rules.map(({ name, summary }) => ({
    label: name,
    kind: CompletionItemKind.Constant,
    detail: summary,
  }));
  return { typed: typed.length, items };
}

function sections(before: string): Proposal | undefined {
  if (!/^%+[A-Za-z]*$/.test(before)) return undefined;
  const items = [...sectionNames, ...appSectionNames].map((name) => ({
    label: `%${name}`,
    kind: CompletionItemKind.Keyword,
    detail: sectionMeaning(name),
    text: isAppSectionName(name) ? `%${name} ` : `%${name}`,
  }));
  return { typed: before.length, items };
}

function stageNames(
  before: string,
  stages: readonly StageOutline[],
  offset: number,
): Proposal | undefined {
  const typed = /^%+files +from +([^\s#]*)$/i.exec(before)?.[1];
  if (typed === undefined) return undefined;
  const own = stageAt(stages, offset);
  const items = stages.flatMap(({ start, name, fields }) =>
    name === undefined || start === own?.start
      ? []
      : [
          {
            label: name.text,
            kind: CompletionItemKind.Module,
            detail: fields.find(({ key }) => key === "from")?.value?.text ?? "a stage",
          },
        ],
  );
  return { typed: typed.length, items };
}

function agents(before: string): Proposal | undefined {
  const typed = /^\s*bootstrap:[\t ]*([a-z-]*)$/i.exec(before)?.[1];
  if (typed === undefined) return undefined;
  const items = sources.flatMap(({ names, summary }) =>
    names.map((label) => ({ label, kind: CompletionItemKind.EnumMember, detail: summary })),
  );
  return { typed: typed.length, items };
}

/** The keywords that the stage does not have; of an agent that we know, only those that it reads. */
function keywords(before: string, stage: StageOutline | undefined): Proposal | undefined {
  const typed = /^[\t ]*([A-Za-z]*)$/.exec(before)?.[1];
  if (typed === undefined) return undefined;
  const present = new Set(
    stage?.fields.filter(({ value }) => value !== undefined).map(({ key }) => key),
  );
  const agent = stage?.fields.findLast(({ key }) => key === "bootstrap")?.value?.text ?? "";
  const source = findSource(agent);
  const items = headerKeywords
    .map(({ spelling, meaning }) => {
      const name = spelling.toLowerCase();
      const own = source?.keywords.find((keyword) => keyword.name === name);
      const isRead = source === undefined || own !== undefined || name === "stage";
      return { spelling, name, isRead, detail: own?.meaning ?? meaning };
    })
    .filter(({ name, isRead }) => isRead && !present.has(name) && name !== "includecmd")
    .map(({ spelling, detail }) => ({
      label: spelling,
      kind: CompletionItemKind.Property,
      detail,
      // OtherURL needs its number first.
      text: spelling === "OtherURL" ? spelling : `${spelling}: `,
    }));
  return { typed: typed.length, items };
}
