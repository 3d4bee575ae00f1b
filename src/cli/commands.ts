import type { CliCommand } from "./command.ts";
import { build } from "./commands/build.ts";
import { cat } from "./commands/cat.ts";
import { check } from "./commands/check.ts";
import { convert } from "./commands/convert.ts";
import { diff } from "./commands/diff.ts";
import { format } from "./commands/format.ts";
import { inspect } from "./commands/inspect.ts";
import { ls } from "./commands/ls.ts";
import { lsp } from "./commands/lsp.ts";
import { plan } from "./commands/plan.ts";
import { sif } from "./commands/sif.ts";
import { unpack } from "./commands/unpack.ts";

/** All of them, in the order of the help. */
export const commands: readonly CliCommand[] = [
  build,
  cat,
  check,
  convert,
  diff,
  format,
  inspect,
  ls,
  lsp,
  plan,
  sif,
  unpack,
];
