import { spawnSync } from "node:child_process";
import test, { type ExecutionContext } from "ava";

/** Whether a program can be found on PATH. */
export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0;
}

/**
 * Declares a test that real programs judge. Where one is missing the test is skipped by name; under CI it runs all the
 * same, so that a missing judge can't hide.
 */
export function toolTest(
  programs: readonly string[],
  title: string,
  body: (t: ExecutionContext) => unknown,
): void {
  const present = process.env["CI"] !== undefined || programs.every((name) => isInstalled(name));
  const declare = present ? test : test.skip;
  declare(`${title} [${programs.join(", ")}]`, async (t) => {
    await body(t);
  });
}

/** As `toolTest`, for what needs a right or ability of the machine, root say. */
export function hostTest(
  need: string,
  isMet: boolean,
  title: string,
  body: (t: ExecutionContext) => unknown,
): void {
  const declare = process.env["CI"] !== undefined || isMet ? test : test.skip;
  declare(`${title} [${need}]`, async (t) => {
    await body(t);
  });
}
