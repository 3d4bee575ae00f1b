import { displayText } from "./display-text.ts";
import { foldCase, type Heading } from "./heading.ts";
import { appSectionNames, isAppSectionName, isSectionName, sectionNames } from "./section-names.ts";
import { suggest } from "./suggest.ts";
import { fields, trim } from "./white-space.ts";

/** Names that people write for sections that are called something else, beyond slips of the finger. */
const otherNames: Readonly<Record<string, string>> = {
  env: "environment",
  envs: "environment",
  variables: "environment",
  vars: "environment",
  run: "runscript",
  cmd: "runscript",
  entrypoint: "runscript",
  script: "post",
  build: "post",
  packages: "post",
  copy: "files",
  start: "startscript",
  args: "arguments",
  arg: "arguments",
  description: "help",
  metadata: "labels",
  check: "test",
};

export interface UnknownSection {
  readonly message: string;
  readonly hint: string;
}

/**
 * What to say about a line that starts with `%` and is no heading of a known section.
 * @param delimiter what a heredoc in the lines above still waits for, if there is one
 */
export function unknownSection(heading: Heading, delimiter?: string): UnknownSection {
  const trimmed = trim(heading.line);
  const [first = "%"] = fields(trimmed);
  const message = `unknown section ${displayText(/^%+$/.test(first) ? trimmed : first)}`;
  if (delimiter !== undefined) {
    return {
      message,
      hint: `this line is inside the heredoc up to ${displayText(delimiter)}, but every line whose first word starts with % starts a section, there too; put something in front of the %`,
    };
  }
  return { message, hint: hintFor(heading, trimmed) };
}

function hintFor(heading: Heading, trimmed: string): string {
  const word = trimmed.replace(/^%+/, "");
  const [name = "", ...rest] = fields(word);
  const argument = rest.length === 0 ? "" : ` ${rest.join(" ")}`;
  const folded = foldCase(name);
  const isKnown = isSectionName(folded) || isAppSectionName(folded);
  if (!heading.line.startsWith("%") && isKnown) {
    return `a section heading can't be indented: let %${displayText(word)} start its line, or put something in front of the % if it is text`;
  }
  if (/^%+ /.test(trimmed) && isKnown) {
    return `there can't be a blank behind the %: write %${displayText(folded + argument)}`;
  }
  if (isKnown && heading.word !== name) {
    return `only a blank can stand behind a section's name: write %${displayText(folded + argument)}`;
  }
  if (isAppSectionName(folded)) {
    return `names of app sections are in lower case: write %${displayText(folded + argument)}`;
  }
  const asText = "a line of text can't start with %";
  if (name === "" || !/^[A-Za-z]/.test(name)) {
    return `${asText}: put something in front of it; sections are ${sectionList}`;
  }
  const bare = folded.replace(/[:;,.]+$/, "");
  const near = otherNames[bare] ?? suggest(bare, [...sectionNames, ...appSectionNames]);
  if (near === undefined) return `sections are ${sectionList}; ${asText}`;
  return `did you mean %${near}${isAppSectionName(near) && argument === "" ? " APP" : ""}?`;
}

const sectionList = sectionNames.join(", ");
