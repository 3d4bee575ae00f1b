// Fixes for lines of a stage's header.

import { headerKeywords, isHeaderKeyword } from "../header-keywords.ts";
import { foldCase } from "../heading.ts";
import { certainSuggestion } from "./certain-suggestion.ts";
import { replacing, type Fixer } from "./place.ts";

/** `Bootstrap docker` → `Bootstrap: docker` */
export const headerNoColon: Fixer = ({ start, text }) => {
  const [, word = ""] = /^([0-9A-Za-z]+)[ \t]+[^\s:]/.exec(text) ?? [];
  if (!isHeaderKeyword(foldCase(word))) return undefined;
  const at = start + word.length;
  return replacing(`Put a colon behind ${word}`, at, at, ":");
};

/** `Form: debian:12` → `From: debian:12`; `From debian:12`, whose colon comes too late, → `From: debian:12` */
export const unknownKeyword: Fixer = (place, context) => {
  const { start, end, text } = place;
  if (/[ \t]/.test(text)) return headerNoColon(place, context);
  if (!/^[A-Za-z]+$/.test(text)) return undefined;
  const near = certainSuggestion(
    text,
    headerKeywords.map(({ spelling }) => spelling).filter((spelling) => spelling !== "OtherURL"),
  );
  return near === undefined ? undefined : replacing(`Write ${near}`, start, end, near);
};

/** `Bootstrap: Dokcer` → `Bootstrap: docker`; `Bootstrap: docker \`, which goes on in the next line, → `Bootstrap: docker` */
export const unknownBootstrap: Fixer = ({ lines, line, start, end, text }, { agents }) => {
  const rest = lines.line(line).slice(end - lines.start(line));
  const [backslash] = /^[ \t]*\\[ \t]*(?=#|$)/.exec(rest) ?? [];
  if (backslash !== undefined) {
    // A keyword on the next line is no part of a name that is right without it.
    if (!agents.includes(text) || !/^\s*[A-Za-z]+\s*:/.test(lines.line(line + 1))) return undefined;
    return replacing("Take the backslash away", end, end + backslash.trimEnd().length, "");
  }
  const near = certainSuggestion(text, agents);
  return near === undefined ? undefined : replacing(`Write ${near}`, start, end, near);
};

/** `From: debian:12`, `Bootstrap: docker` → `Bootstrap: docker`, `From: debian:12` */
export const noBootstrap: Fixer = ({ lines, line }) => {
  // The other mistake of the code: a Bootstrap line without a value.
  if (/^bootstrap:/i.test(lines.line(line))) return undefined;
  const keys = new Set<string>();
  let bootstrap: number | undefined;
  for (let number = line; number <= lines.count; number++) {
    const text = lines.line(number);
    if (/^\s*%/.test(text)) break;
    if (/^bootstrap:/i.test(text)) {
      // A second one begins another stage.
      if (bootstrap !== undefined) break;
      bootstrap = number;
    }
    const [, key] = /^\s*([^#\s:][^#:]*):/.exec(text) ?? [];
    const isText = key === undefined && !/^\s*(?:#|$)/.test(text);
    // Then it matters which line comes last, or where a value ends.
    if (isText || /\\\s*$/.test(text) || (key !== undefined && keys.has(foldCase(key.trim()))))
      return undefined;
    if (key !== undefined) keys.add(foldCase(key.trim()));
  }
  if (bootstrap === undefined) return undefined;
  const start = lines.start(bootstrap);
  const isLast = bootstrap === lines.count;
  const text = lines.text.slice(start, lines.start(bootstrap + 1));
  const feed = lines.text[start - 2] === "\r" ? "\r\n" : "\n";
  const at = lines.start(line);
  return {
    title: "Let the header start with its Bootstrap line",
    edits: [
      { start: at, end: at, text: isLast ? text + feed : text },
      { start: isLast ? start - feed.length : start, end: start + text.length, text: "" },
    ],
  };
};

/** What is in front of the first word. */
export const byteOrderMark: Fixer = ({ start, end }) =>
  start === 0 && end > 0 ? replacing("Take the byte order mark away", 0, end, "") : undefined;
