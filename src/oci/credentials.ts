// The logins that people already have: those of apptainer, docker and podman (formats: docker's config.json, and
// containers-auth.json(5), which is the same), and programs that keep secrets for them (docker-credential-NAME).

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Credentials, Login } from "./authorizer.ts";
import { getFromHelper } from "./credential-helper.ts";

export interface CredentialOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly home?: string | undefined;
  /** A file that is asked before all others (`--authfile`). */
  readonly authFile?: string | undefined;
  /** A login that goes before everything, for whichever registry. */
  readonly login?: Login | undefined;
  /** Told of files and programs that can't be used; the search goes on. */
  readonly onProblem?: ((message: string) => void) | undefined;
}

/** A file of logins, as Docker has it. */
export type LoginConfig = Readonly<Record<string, unknown>>;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Logins: the one given; the one of the environment (`TSBUILD_DOCKER_USERNAME` and `_PASSWORD`, or `APPTAINER_`, or
 * `SINGULARITY_`), which is for any registry; and otherwise from the first file that knows the registry: the one given,
 * `REGISTRY_AUTH_FILE`, Apptainer's, Docker's, Podman's.
 */
export function systemCredentials(options: CredentialOptions = {}): Credentials {
  const env = options.env ?? process.env;
  return {
    async find(registry, repository) {
      const given = options.login ?? environmentLogin(env);
      if (given !== undefined) return given;
      for (const file of authFiles(env, options)) {
        const config = await readConfig(file, options);
        const login = config && (await loginIn(config, registry, repository, env, options));
        if (login !== undefined) return login;
      }
      return undefined;
    },
  };
}

/** The login that variables give, for every registry. */
export function environmentLogin(env: Environment): Login | undefined {
  for (const prefix of ["TSBUILD", "APPTAINER", "SINGULARITY"]) {
    const username = env[`${prefix}_DOCKER_USERNAME`];
    const password = env[`${prefix}_DOCKER_PASSWORD`];
    if (username && password) return { kind: "password", username, password };
  }
  return undefined;
}

/** Files that may hold logins, in the order in which they are asked. */
export function authFiles(env: Environment, options: CredentialOptions): string[] {
  const home = options.home ?? homedir();
  const runtime = env["XDG_RUNTIME_DIR"];
  const explicit = env["REGISTRY_AUTH_FILE"];
  return [
    ...(options.authFile === undefined ? [] : [options.authFile]),
    ...(explicit ? [explicit] : []),
    join(env["APPTAINER_CONFIGDIR"] || join(home, ".apptainer"), "docker-config.json"),
    join(home, ".singularity", "docker-config.json"),
    join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json"),
    ...(runtime ? [join(runtime, "containers", "auth.json")] : []),
    join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers", "auth.json"),
  ];
}

/** A file of logins; undefined where it is missing, empty, or, which is told, can't be used. */
export async function readConfig(
  file: string,
  options: CredentialOptions,
): Promise<LoginConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      options.onProblem?.(`the logins in ${file} can't be read: ${message}`);
    }
    return undefined;
  }
  if (text.trim() === "") return undefined;
  try {
    const json = JSON.parse(text) as unknown;
    if (isObject(json)) return json;
    options.onProblem?.(`the logins in ${file} can't be used: it is no JSON object`);
  } catch {
    // What JSON.parse says quotes the text, and the text holds secrets.
    options.onProblem?.(`the logins in ${file} can't be used: it is not JSON`);
  }
  return undefined;
}

async function loginIn(
  config: LoginConfig,
  registry: string,
  repository: string,
  env: Environment,
  options: CredentialOptions,
): Promise<Login | undefined> {
  const wanted = keysFor(registry, repository);
  const helper = helperIn(config, wanted);
  if (helper !== undefined) {
    const login = await getFromHelper(helper, registry, env, options.onProblem);
    if (login !== undefined) return login;
  }
  return loginOf(lookup(config["auths"], wanted));
}

/** The helper that keeps the secrets of a registry, `NAME` of `docker-credential-NAME`, if a file names one. */
export function helperIn(config: LoginConfig, keys: readonly string[]): string | undefined {
  const helper = lookup(config["credHelpers"], keys) ?? config["credsStore"];
  return typeof helper === "string" && helper !== "" ? helper : undefined;
}

/** What stands in a map under the first of several keys. */
function lookup(map: unknown, keys: readonly string[]): unknown {
  const entries = isObject(map) ? Object.entries(map) : [];
  for (const key of keys) {
    const found = entries.find(([name]) => normalKey(name) === key);
    if (found !== undefined) return found[1];
  }
  return undefined;
}

/** What a registry's entry may be called, the most exact first: longer paths go before the bare host. */
function keysFor(registry: string, repository: string): string[] {
  const parts = repository.split("/");
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  return [...paths.map((path) => `${registry}/${path}`), registry];
}

/** A registry's own name from a key: keys are hosts, hosts with paths, or the old addresses of APIs. */
export function normalKey(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "")
    .replace(/\/v[12]$/, "");
  return bare.replace(/^(?:index|registry-1)\.docker\.io(?=$|\/)/, "docker.io");
}

function loginOf(entry: unknown): Login | undefined {
  if (!isObject(entry)) return undefined;
  const text = (name: string) => {
    const value = entry[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const token = text("identitytoken");
  if (token !== undefined) return { kind: "identity-token", token };
  const bearer = text("registrytoken");
  if (bearer !== undefined) return { kind: "bearer", token: bearer };
  const auth = text("auth");
  // Some tools pad what they encode with zeros.
  const pair = auth && Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = pair?.indexOf(":") ?? -1;
  const username = pair && colon > 0 ? pair.slice(0, colon) : text("username");
  const password = pair && colon > 0 ? pair.slice(colon + 1) : text("password");
  if (username === undefined || password === undefined) return undefined;
  return { kind: "password", username, password };
}

export function isObject(value: unknown): value is LoginConfig {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
