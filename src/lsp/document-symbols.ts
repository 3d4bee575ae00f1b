import { SymbolKind, type DocumentSymbol } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Span } from "../definition/read-stage.ts";
import { outlineOf, type SectionOutline, type StageOutline } from "./outline.ts";

/** The stages of a document, each with its sections. */
export function documentSymbols(document: TextDocument): DocumentSymbol[] {
  const rangeOf = ({ start, end }: Span) => ({
    start: document.positionAt(start),
    end: document.positionAt(end),
  });
  const sectionSymbol = ({ name, argument, heading, body }: SectionOutline): DocumentSymbol => ({
    name: `%${name}${argument.trim() === "" ? "" : ` ${argument.trim()}`}`,
    kind: SymbolKind.Function,
    range: rangeOf({ start: heading.start, end: Math.max(heading.end, body.end) }),
    selectionRange: rangeOf(heading),
  });
  return outlineOf(document.getText()).map((stage, index): DocumentSymbol => {
    const selected = stage.name ?? stage.fields[0]?.keySpan ?? stage.sections[0]?.heading;
    return {
      name: stage.name?.text ?? `stage ${index + 1}`,
      detail: detailOf(stage),
      kind: SymbolKind.Module,
      range: rangeOf(stage),
      selectionRange: rangeOf(selected ?? stage),
      children: stage.sections.map(sectionSymbol),
    };
  });
}

function detailOf({ fields }: StageOutline): string {
  const values = ["bootstrap", "from"].map(
    (wanted) => fields.findLast(({ key }) => key === wanted)?.value?.text,
  );
  return values.filter((value) => value !== undefined).join(" ");
}
