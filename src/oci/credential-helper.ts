// Programs that keep secrets for others: the protocol of docker-credential-helpers. `docker-credential-NAME get`, `store`
// and `erase` read from standard input and answer on standard output.

import { captureProgram } from "../system/run-program.ts";
import type { Login } from "./authorizer.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const timeoutMs = 30_000;

/** What Docker calls Docker Hub where logins are kept. */
export const hubKey = "https://index.docker.io/v1/";

/** What a registry is called where logins are kept. */
export function storageKey(registry: string): string {
  return registry === "docker.io" ? hubKey : registry;
}

/** The program of a helper. A name and not a path: what a file names is looked up in PATH. */
export function helperProgram(helper: string): string | undefined {
  return /^[\w.-]+$/.test(helper) ? `docker-credential-${helper}` : undefined;
}

/** Asks a helper for the login to a registry. Whatever goes wrong is told, and there is none then. */
export async function getFromHelper(
  helper: string,
  registry: string,
  env: Environment,
  onProblem: ((message: string) => void) | undefined,
): Promise<Login | undefined> {
  const program = helperProgram(helper);
  if (program === undefined) {
    onProblem?.(`${JSON.stringify(helper)} can't be the name of a credential helper`);
    return undefined;
  }
  try {
    const { exitCode, stdout, stderr } = await captureProgram([program, "get"], {
      env,
      input: storageKey(registry),
      timeoutMs,
    });
    if (exitCode !== 0) {
      const said = `${stdout}${stderr}`.trim();
      if (!/credentials not found/i.test(said)) {
        onProblem?.(`${program} failed: ${said.slice(0, 200)}`);
      }
      return undefined;
    }
    const { Username: username, Secret: secret } = JSON.parse(stdout) as Record<string, unknown>;
    if (typeof username !== "string" || typeof secret !== "string" || secret === "") {
      return undefined;
    }
    return username === "<token>"
      ? { kind: "identity-token", token: secret }
      : { kind: "password", username, password: secret };
  } catch (error) {
    const why = error instanceof SyntaxError ? "it answered no JSON" : (error as Error).message;
    onProblem?.(`${program} can't be used: ${why}`);
    return undefined;
  }
}

/**
 * Has a helper keep a login, or forget it.
 * @returns what went wrong, undefined if nothing did
 */
export async function tellHelper(
  helper: string,
  action: "store" | "erase",
  registry: string,
  env: Environment,
  login?: { readonly username: string; readonly password: string },
): Promise<string | undefined> {
  const program = helperProgram(helper);
  if (program === undefined) return `${JSON.stringify(helper)} can't be the name of a helper`;
  const key = storageKey(registry);
  const { username: Username, password: Secret } = login ?? {};
  try {
    const { exitCode, stdout, stderr } = await captureProgram([program, action], {
      env,
      input: action === "erase" ? key : JSON.stringify({ ServerURL: key, Username, Secret }),
      timeoutMs,
    });
    if (exitCode === 0) return undefined;
    const said = `${stdout}${stderr}`.replaceAll(/[\s\p{C}]+/gu, " ").trim();
    if (action === "erase" && /credentials not found/i.test(said)) return undefined;
    // Whatever it says of the secret is not for others.
    const shown = Secret === undefined ? said : said.replaceAll(Secret, "…");
    return `${program} ${action} failed: ${shown.slice(0, 200)}`;
  } catch (error) {
    return `${program} can't be used: ${(error as Error).message}`;
  }
}
