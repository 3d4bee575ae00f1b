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
  install: "post",
  exec: "runscript",
  description: "help",
  metadata: "labels",
  check: "test",
};

/** The way out. Apptainer has none. */
const asText =
  "if it is text write %\\ in front of it, or for Apptainer too anything that the shell takes away";

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
  const message = messageFor(heading, /^%+$/.test(first) ? trimmed : first);
  if (delimiter !== undefined) {
    return {
      message,
      hint: `this line is inside the heredoc up to ${displayText(delimiter)}, but every line whose first word starts with % starts a section, there too; ${asText}`,
    };
  }
  return { message, hint: hintFor(heading, trimmed) };
}

/** A name that is right stands in the wrong place. */
function messageFor({ line, word }: Heading, shown: string): string {
  const name = foldCase(shown.replace(/^%+/, ""));
  const isKnown = isSectionName(name) || isAppSectionName(name);
  if (!isKnown) return `unknown section ${displayText(shown)}`;
  if (!line.startsWith("%")) return `the heading ${displayText(shown)} is indented`;
  const [next = ""] = word.slice(name.length);
  if (next === "") return `unknown section ${displayText(shown)}`;
  return `${next === "\t" ? "a tab" : "white space that is no blank"} follows ${displayText(shown)}`;
}

function hintFor(heading: Heading, trimmed: string): string {
  const word = trimmed.replace(/^%+/, "");
  const [name = "", ...rest] = fields(word);
  const argument = rest.length === 0 ? "" : ` ${rest.join(" ")}`;
  const folded = foldCase(name);
  const isKnown = isSectionName(folded) || isAppSectionName(folded);
  if (!heading.line.startsWith("%") && isKnown) {
    return `a section heading can't be indented: let %${displayText(word)} start its line, or write %\\ in front of it if it is text`;
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
  if (heading.word.startsWith("\\")) {
    return "%\\ marks a line of a section as text, and here no section has begun";
  }
  if (name === "" || !/^[A-Za-z]/.test(name)) return `sections are ${sectionList}; ${asText}`;
  const bare = folded.replace(/[:;,.]+$/, "");
  const near = otherNames[bare] ?? suggestedName(bare);
  if (near === undefined) return `sections are ${sectionList}; ${asText}`;
  return `did you mean %${near}${isAppSectionName(near) && argument === "" ? " APP" : ""}?`;
}

function suggestedName(word: string): string | undefined {
  // Short names are near to too much.
  const others = Object.keys(otherNames).filter((name) => name.length > 4);
  const near = suggest(word, [...sectionNames, ...appSectionNames, ...others]);
  return near === undefined ? undefined : (otherNames[near] ?? near);
}

const sectionList = sectionNames.join(", ");
