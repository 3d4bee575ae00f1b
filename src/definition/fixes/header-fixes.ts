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

/** `Bootstrap: Dokcer` → `Bootstrap: docker` */
export const unknownBootstrap: Fixer = ({ start, end, text }, { agents }) => {
  const near = certainSuggestion(text, agents);
  return near === undefined ? undefined : replacing(`Write ${near}`, start, end, near);
};

/** What is in front of the first word. */
export const byteOrderMark: Fixer = ({ start, end }) =>
  start === 0 && end > 0 ? replacing("Take the byte order mark away", 0, end, "") : undefined;
