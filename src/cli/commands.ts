import type { CliCommand } from "./command.ts";
import { build } from "./commands/build.ts";
import { cache } from "./commands/cache.ts";
import { cat } from "./commands/cat.ts";
import { check } from "./commands/check.ts";
import { convert } from "./commands/convert.ts";
import { diff } from "./commands/diff.ts";
import { doctor } from "./commands/doctor.ts";
import { format } from "./commands/format.ts";
import { inspect } from "./commands/inspect.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { ls } from "./commands/ls.ts";
import { lsp } from "./commands/lsp.ts";
import { plan } from "./commands/plan.ts";
import { pull } from "./commands/pull.ts";
import { push } from "./commands/push.ts";
import { sif } from "./commands/sif.ts";
import { unpack } from "./commands/unpack.ts";

/** All of them, in the order of the help. */
export const commands: readonly CliCommand[] = [
  build,
  cache,
  cat,
  check,
  convert,
  diff,
  doctor,
  format,
  inspect,
  login,
  logout,
  ls,
  lsp,
  plan,
  pull,
  push,
  sif,
  unpack,
];
