import type { Hover } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { headerKeywords } from "../definition/header-keywords.ts";
import { appSectionMeanings, isSectionName, sectionMeanings } from "../definition/section-names.ts";
import type { AppSectionName, SectionName } from "../model/definition.ts";
import { findSource } from "../source/find-source.ts";
import type { StageOutline } from "./outline.ts";
import { symbolAt, type DefinitionSymbol } from "./symbol-at.ts";

/** What the section, keyword, agent, stage or build argument at the offset means. */
export function hover(document: TextDocument, offset: number): Hover | undefined {
  const symbol = symbolAt(document.getText(), offset);
  if (symbol === undefined) return undefined;
  const value = textFor(symbol);
  if (value === undefined) return undefined;
  const range = { start: document.positionAt(symbol.start), end: document.positionAt(symbol.end) };
  return { contents: { kind: "markdown", value }, range };
}

function textFor(symbol: DefinitionSymbol): string | undefined {
  if (symbol.kind === "section") {
    return `**%${symbol.section.name}** — ${sectionMeaning(symbol.section.name)}`;
  }
  if (symbol.kind === "keyword") return keywordText(symbol.field.key, symbol.stage);
  if (symbol.kind === "agent") {
    const source = findSource(symbol.name);
    return source === undefined ? undefined : `**${symbol.name}** — ${source.summary}`;
  }
  if (symbol.kind === "stage") {
    return symbol.stage === undefined ? undefined : stageText(symbol.name, symbol.stage);
  }
  return symbol.argument === undefined
    ? `Build argument **${symbol.name}**, without a default in this stage: give it with ${code(`--build-arg ${symbol.name}=VALUE`)}.`
    : `Build argument **${symbol.name}**, by default ${code(symbol.argument.value)}.`;
}

/** What a section is for. */
export function sectionMeaning(name: SectionName | AppSectionName): string {
  return isSectionName(name) ? sectionMeanings[name] : appSectionMeanings[name];
}

function keywordText(key: string, stage: StageOutline): string | undefined {
  const folded = /^otherurl[0-9]+$/.test(key) ? "otherurl" : key;
  const keyword = headerKeywords.find(({ spelling }) => spelling.toLowerCase() === folded);
  if (keyword === undefined) return undefined;
  const agent = stage.fields.findLast((field) => field.key === "bootstrap")?.value?.text ?? "";
  const own = findSource(agent)?.keywords.find(({ name }) => name === key);
  const general = `**${keyword.spelling}** — ${keyword.meaning}`;
  if (own === undefined) return general;
  return `${general}\n\nFor the agent ${code(agent)}${own.required ? ", which needs it" : ""}: ${own.meaning}`;
}

function stageText(name: string, { fields }: StageOutline): string {
  const from = fields.findLast(({ key }) => key === "from")?.value;
  return `Stage **${name}**${from === undefined ? "" : `, from ${code(from.text)}`}`;
}

/** Text between as many backticks as it takes. */
function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${text}${fence}` : `${fence} ${text} ${fence}`;
}
