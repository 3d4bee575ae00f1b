import { chmodSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { superviseRun } from "../fake-root/supervise-run.ts";
import { witnessRun } from "../fake-root/witness-run.ts";
import type { Ledger } from "../folder/ledger.ts";
import type { Isolation } from "../isolation/isolation.ts";
import type { Script } from "../model/plan.ts";
import { programPath } from "../system/find-program.ts";
import { keepTidy } from "../system/keeper.ts";
import { killProcessesIn } from "../system/processes-in-root.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { shellCommand } from "../system/shell-command.ts";
import { interpreterCommand } from "./place-script.ts";
import { runLimited } from "./run-limited.ts";
import type { RunScriptOptions } from "./run-script.ts";
import { hostScriptEnvironment } from "./script-environment.ts";
import { ScriptOutput } from "./script-failure.ts";

export interface RunHostScriptOptions extends Pick<
  RunScriptOptions,
  | "encoding"
  | "enterCommand"
  | "environment"
  | "limits"
  | "mask"
  | "onCommand"
  | "onLine"
  | "onUsage"
  | "onWarning"
  | "rootFolder"
  | "signal"
  | "temporaryFolder"
  | "upperFolder"
> {
  /** `%pre` or `%setup`. */
  readonly script: Script;
  /** The folder of the build command: where the script starts. */
  readonly folder: string;
  /** How the build is root, if it had to become so. */
  readonly isolation: Isolation | undefined;
  /** Takes the owners that the script gives to files of the root file system, where the disk can't. */
  readonly ledger: Ledger;
}

/**
 * Runs `%pre` or `%setup` on the host, as whoever builds (or as root of the namespace that the build is in), with the
 * host's environment and the place of the root file system. What it leaves running is ended, as long as it is in its process
 * group or has the variable that says where the root file system is.
 * @throws {ScriptError} `script/failed` with the place of the command, `script/timeout`, `script/memory`,
 *   `script/processes`
 * @throws the signal's reason
 */
export async function runHostScript(options: RunHostScriptOptions): Promise<void> {
  const { script, isolation, signal, mask, onLine, rootFolder, upperFolder } = options;
  signal.throwIfAborted();
  const workFolder = mkdtempSync(join(options.temporaryFolder, "script-"));
  try {
    for (const { name, bytes, mode } of isolation?.files ?? []) {
      writeFileSync(join(workFolder, name), bytes, { mode });
    }
    // The name that Apptainer gives it: `basename $0` is what some scripts print.
    const file = join(workFolder, script.section);
    writeFileSync(file, script.body, { encoding: options.encoding ?? "utf8" });
    chmodSync(file, 0o755);
    const inner = [
      ...(options.enterCommand ?? []),
      "/bin/sh",
      "-c",
      // Where another mount namespace was entered, that starts in its root folder.
      'cd "$1" || exit; shift; umask 0002; exec "$@"',
      "tsbuild",
      options.folder,
      ...interpreterCommand(script, file),
    ];
    const command = isolation?.hostCommandLine(inner, workFolder) ?? inner;
    const output = new ScriptOutput(script, file, script.body, mask);
    using kept = new DisposableStack();
    kept.use(keepTidy("processes", rootFolder));
    const supervision = isolation?.supervision && {
      ...isolation.supervision,
      expectsChroot: false,
    };
    const overlay = upperFolder === undefined ? undefined : { upperFolder, rootFolder };
    await using supervised =
      isolation?.witness?.hearsHost === true
        ? witnessRun({
            ledger: options.ledger,
            // Paths mean the same to it as to us; what it gives away elsewhere is noted and never looked for.
            rootFolder: "",
            resolve: realPathOf,
            witnessing: isolation.witness,
          })
        : await superviseRun(supervision, options.ledger, overlay);
    const end = await runLimited(command, {
      limits: options.limits,
      path: isolation?.hostPath ?? programPath(process.env),
      output,
      signal,
      onWarning: options.onWarning,
      onUsage: options.onUsage,
      onCommandLine: (line) => options.onCommand?.(mask(shellCommand(line))),
      onStart: (program) => {
        supervised.onStart(program);
        kept.use(keepTidy("group", String(program.pid)));
      },
      run: {
        env: hostScriptEnvironment(options.environment, rootFolder),
        cwd: options.folder,
        pipeFolder: workFolder,
        descriptors: supervised.descriptors,
        onLine: (stream, line) => {
          output.take(stream, line);
          onLine(stream, mask(line));
        },
      },
    });
    await supervised.finish();
    const failure = output.failure(end);
    if (failure !== undefined) throw failure;
  } finally {
    await killProcessesIn(rootFolder);
    await removeFolderTree(workFolder);
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
