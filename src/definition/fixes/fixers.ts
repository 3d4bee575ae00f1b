import { filesDestination, filesWords } from "./files-fixes.ts";
import {
  byteOrderMark,
  headerNoColon,
  noBootstrap,
  unknownBootstrap,
  unknownKeyword,
} from "./header-fixes.ts";
import { filesIgnored, unknownSection, unknownStage } from "./heading-fixes.ts";
import type { Fixer } from "./place.ts";
import { carriageReturn, installWithoutYes } from "./script-fixes.ts";

/** What mends which finding, by its code. */
export const fixers: Readonly<Record<string, Fixer>> = {
  "check/carriage-return": carriageReturn,
  "check/files-destination": filesDestination,
  "check/install-without-yes": installWithoutYes,
  "definition/byte-order-mark": byteOrderMark,
  "definition/files-ignored": filesIgnored,
  "definition/files-words": filesWords,
  "definition/header-no-colon": headerNoColon,
  "definition/no-bootstrap": noBootstrap,
  "definition/unknown-bootstrap": unknownBootstrap,
  "definition/unknown-keyword": unknownKeyword,
  "definition/unknown-section": unknownSection,
  "definition/unknown-stage": unknownStage,
};
