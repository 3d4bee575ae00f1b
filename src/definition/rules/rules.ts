import { bashSyntax } from "./bash-syntax.ts";
import { carriageReturn } from "./carriage-return.ts";
import { environmentCommand } from "./environment-command.ts";
import { filesDestination } from "./files-destination.ts";
import { hiddenByMounts } from "./hidden-by-mounts.ts";
import { installWithoutYes } from "./install-without-yes.ts";
import { labelForm } from "./label-form.ts";
import { lostSection } from "./lost-section.ts";
import { lostShebang } from "./lost-shebang.ts";
import { packageListsLeft } from "./package-lists-left.ts";
import type { Rule } from "./rule.ts";
import { secret } from "./secret.ts";
import { shellWithoutE } from "./shell-without-e.ts";
import { unpinnedImage } from "./unpinned-image.ts";
import { unusedStage } from "./unused-stage.ts";

/** The rules, one line for each, in the order of their names. */
export const rules: readonly Rule[] = [
  bashSyntax,
  carriageReturn,
  environmentCommand,
  filesDestination,
  hiddenByMounts,
  installWithoutYes,
  labelForm,
  lostSection,
  lostShebang,
  packageListsLeft,
  secret,
  shellWithoutE,
  unpinnedImage,
  unusedStage,
];
