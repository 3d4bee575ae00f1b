import { displayText } from "./display-text.ts";
import { headerKeywords, isHeaderKeyword, laterKeywords } from "./header-keywords.ts";
import { foldCase } from "./heading.ts";
import { suggest } from "./suggest.ts";

const dockerfileWords =
  /^(?:add|arg|cmd|copy|entrypoint|env|expose|healthcheck|label|maintainer|run|shell|user|volume|workdir)\b/i;

/**
 * What to do about a key that no agent reads.
 * @param line the line that it stands on, trimmed
 */
export function unknownKeywordHint(key: string, line: string): string {
  const folded = foldCase(key);
  const missing = missingColonHint(line);
  if (missing !== undefined) return missing;
  if (laterKeywords.includes(folded)) {
    return "this keyword belongs to the agents buildkit and dockerfile of Apptainer 1.5, which tsbuild does not have";
  }
  if (formerWords.test(key)) return formerHint;
  if (folded === "otherurl") return "write OtherURL with a number behind it: OtherURL1";
  if (key === "") return "write a keyword before the colon, From for one";
  const near = suggest(
    folded,
    headerKeywords.map(({ spelling }) => spelling),
  );
  if (near !== undefined) return `did you mean ${near}?`;
  if (dockerfileWords.test(key)) return dockerfileHint;
  const known = headerKeywords.slice(0, 3).map(({ spelling }) => spelling);
  return `before the first section there are only keywords with values (${known.join(", ")}, …); commands go below %post`;
}

/** What to do about a line of the header that has no colon. */
export function noColonHint(line: string): string {
  const missing = missingColonHint(line);
  if (missing !== undefined) return missing;
  if (dockerfileWords.test(line)) return dockerfileHint;
  if (formerWords.test(line)) return formerHint;
  return "before the first section every line is a keyword, a colon and a value; if these are commands, put a line %post above them";
}

/** What to do when a line starts with a keyword and no colon follows it. */
function missingColonHint(line: string): string | undefined {
  const [word = ""] = line.split(/[\s:]/, 1);
  const value = line.slice(word.length);
  if (value.startsWith(":") || !isHeaderKeyword(foldCase(word))) return undefined;
  return value.trim() === ""
    ? `write ${word}: and its value`
    : `put a colon behind the keyword: ${word}: ${displayText(value.trim())}`;
}

/** What stood in headers of version 2. */
const formerWords =
  /^(?:DistType|RunCmd|RunScript|InstallPkgs|InstallFile|InstallDir|MetaLink|Exclude|Token|PreSetup|Finalize)\b/i;
const formerHint =
  "this word is of version 2 and means nothing any more: take the line away; commands and packages to install go below %post";

const dockerfileHint =
  "this looks like a line of a Dockerfile; in a definition commands go below %post, variables below %environment, copies below %files";
