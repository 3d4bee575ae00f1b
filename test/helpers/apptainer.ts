import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ExecutionContext } from "ava";
import { execa } from "execa";
import { serialHostTest } from "./serial-test.ts";

const wrapper = join(import.meta.dirname, "../judges/apptainer");
const tree = process.env["JUDGE_ROOT"] ?? "/var/tmp/tsbuild-judges/apptainer-root";

/** Whether the real Apptainer can be asked here. */
export const haveApptainer = process.getuid?.() === 0 && existsSync(`${tree}/.complete`);

/** Declares a test that the real Apptainer judges: test/judges/install.sh installs it. */
export function apptainerTest(title: string, body: (t: ExecutionContext) => unknown): void {
  serialHostTest("root and Apptainer", haveApptainer, title, body);
}

export interface ApptainerOptions {
  readonly cwd: string;
  /** Without a user namespace: device nodes can be made, containers can't be started. */
  readonly asRealRoot?: boolean;
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ApptainerRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real Apptainer to its end. Its failure is a result, not an exception. */
export async function apptainer(
  words: readonly string[],
  options: ApptainerOptions,
): Promise<ApptainerRun> {
  const run = await execa(wrapper, words, {
    cwd: options.cwd,
    extendEnv: false,
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      TMPDIR: options.cwd,
      APPTAINER_CACHEDIR: join(options.cwd, "apptainer-cache"),
      ...(options.asRealRoot === true ? { JUDGE_MODE: "root" } : {}),
      ...(options.uid === undefined ? {} : { JUDGE_UID: String(options.uid) }),
      ...options.env,
    },
    reject: false,
    stdin: "ignore",
    stripFinalNewline: false,
    maxBuffer: 1 << 28,
  });
  return { exitCode: run.exitCode, stdout: run.stdout, stderr: run.stderr };
}
