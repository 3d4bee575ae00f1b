import { displayText } from "../../definition/display-text.ts";
import type { Location } from "../../model/location.ts";
import type { NamedWord } from "../dockerfile/dockerfile.ts";
import type { Losses } from "../losses.ts";
import type { StageDraft } from "./stage-draft.ts";
import type { Variables } from "./variables.ts";

/** A LABEL. */
export function convertLabel(
  { name: word, value = [], location }: NamedWord,
  variables: Variables,
  draft: StageDraft,
  losses: Losses,
): void {
  const name = variables.template(word);
  const text = variables.template(value);
  if (name === undefined || text === undefined) {
    const hint = "write the label without variables of the build";
    losses.lost(location, "the label has a value that only the build knows", hint);
    return;
  }
  addLabel(name, text, location, draft, losses);
}

/** Adds a line to `%labels`, if one can say it. */
export function addLabel(
  name: string,
  value: string,
  location: Location,
  draft: StageDraft,
  losses: Losses,
): void {
  if (name === "" || /^[#%]|\s|^bootstrap:/iu.test(name) || /\{\{.*#|#.*\{\{/s.test(name + value)) {
    const hint = "use a name without blanks, as in org.example.name";
    losses.lost(location, `the label ${displayText(name)} can't be written`, hint);
    return;
  }
  const line = value.replaceAll(/[\r\n\u0085\u2028\u2029]+/g, " ").trim();
  if (line !== value) {
    const hint = "labels of a definition are single lines";
    losses.differs(location, "blanks at the ends and line feeds of the value are lost", hint);
  }
  draft.labels.set(name, line);
}
