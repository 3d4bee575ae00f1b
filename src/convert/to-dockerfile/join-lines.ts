import { scanLine, type ScannedLine } from "./scan-line.ts";
import type { Marks } from "./marks.ts";

/** A word that waits for a command, where a command can start. */
const opener =
  /(?:^|[;&|(])\s*(?:(?:then|do|else|elif|if|while|until|!|\{)\s+)*(?:then|do|else|elif|if|while|until|\{)$/;
const openFunction = /(?:^|[\s;&|(])(?:function\s+\S+|[^\s()]+\s*\(\s*\))\s*\{$/;
const reserved =
  /^(?:if|then|else|elif|fi|for|while|until|do|done|case|esac|in|function|select|time|\{|\}|!|\[\[)$/;

/**
 * The lines of a shell script as the lines of one command that a Dockerfile can have: each ends with what parts it from
 * the next, `;` mostly. Comments on lines of their own stay, as the Dockerfile drops them; blank lines and other comments
 * go. Undefined where that would change what the script does, or where it can't be told.
 * @param valueOf an argument's default
 */
export function joinLines(
  body: string,
  marks: Marks,
  valueOf: (name: string) => string | undefined,
): string[] | undefined {
  const lines: { text: string; end: string }[] = [];
  /** What came before of a line that goes on. */
  let open: { readonly code: string; readonly text: string } | undefined;
  let last: (typeof lines)[number] | undefined;
  for (const raw of body.replace(/\n+$/, "").split("\n")) {
    const isComment = /^[ \t]*#/.test(raw);
    if (isComment || /^[ \t]*$/.test(raw)) {
      // To a shell it would end the line that goes on.
      if (open !== undefined) return undefined;
      if (isComment) lines.push({ text: marks.shown(raw).trim(), end: "" });
      continue;
    }
    const scanned = scanLine(raw, marks);
    if (scanned === undefined || /[\r\v\f]|\\[ \t]+$/.test(raw)) return undefined;
    // Lines are indented here, which must not cut a word.
    if (open !== undefined && /[^\s;&|]$/.test(open.code) && /^\S/.test(raw)) return undefined;
    const before = open ?? { code: "", text: "" };
    const text = withVariables(scanned, marks, valueOf, before.text);
    const code = before.code + (scanned.goesOn ? scanned.code.slice(0, -1) : scanned.code);
    const end = scanned.goesOn ? "" : separator(code);
    if (text === undefined || end === undefined) return undefined;
    open = scanned.goesOn ? { code, text: before.text + scanned.text.slice(0, -1) } : undefined;
    last = { text: scanned.goesOn ? text.slice(0, -1) : text.trimEnd(), end };
    lines.push(last);
  }
  if (last === undefined) return [];
  // Something is missing, and the shell has to say so.
  if (open !== undefined || last.end === " ") return undefined;
  last.end = "";
  // Comments at the end would leave the command open.
  return lines.slice(0, lines.lastIndexOf(last) + 1).map(({ text, end }) => text + end);
}

/** What has to stand between a line and the next; undefined when it can't be told. */
function separator(code: string): string | undefined {
  if (/<<|;;|(?:^|[\s;&|(!])(?:case|alias)\s/.test(code)) return undefined;
  const trimmed = code.trimEnd();
  if (/&&$|\|\|?$|\|&$/.test(trimmed) || opener.test(trimmed) || openFunction.test(trimmed)) {
    return " ";
  }
  // The body of a function or a condition goes on.
  if (/\(\s*\)$|^\s*function\s|[!(]$/.test(trimmed)) return undefined;
  if (/[;&]$/.test(trimmed)) return " ";
  const count = (pattern: RegExp) => trimmed.match(pattern)?.length ?? 0;
  return count(/\[\[(?=\s)/g) === count(/\s\]\]/g) ? ";" : undefined;
}

/** The text with variables for marks. Undefined when a value might mean more there than a variable's. */
function withVariables(
  { text, marks: found }: ScannedLine,
  marks: Marks,
  valueOf: (name: string) => string | undefined,
  behind: string,
): string | undefined {
  let result = "";
  let done = 0;
  for (const { name, at, end, inside } of found) {
    const before = text.slice(done, at);
    const variable = `\${${marks.variable(name)}}`;
    const value = valueOf(name) ?? "";
    if (inside === "code" && !isPlainWord(value, behind + text.slice(0, at))) return undefined;
    if (inside === "double" && /["$`\\]/.test(value)) return undefined;
    if (inside === "single" && value.includes("'")) return undefined;
    result += before + (inside === "single" ? `'"${variable}"'` : variable);
    done = end;
  }
  return result + text.slice(done);
}

/** Whether the words of a value mean the same in a script as what a variable expands to there. */
function isPlainWord(value: string, before: string): boolean {
  if (!/^[\w./:@%+,= -]*$/.test(value)) return false;
  const isFirst = /(?:^|[;&|({`]|\b(?:then|do|else|if|elif|while|until|!))\s*$/.test(before);
  if (isFirst && (value.includes("=") || reserved.test(value.trim().split(" ", 1)[0] ?? ""))) {
    return false;
  }
  const isAssigned = /(?:^|[\s;&|({])[A-Za-z_]\w*\+?=\S*$/.test(before);
  return !isAssigned || !value.includes(" ");
}
