// Keeping logins where Apptainer, and with REGISTRY_AUTH_FILE Podman and Skopeo, look for them. The form is Docker's:
//
//   {"auths": {"registry.example:5000": {"auth": base64 of "name:password"}, …}, "credHelpers": {…}, "credsStore": …}

import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FormatError, HostError } from "../model/error.ts";
import { storageKey, tellHelper } from "./credential-helper.ts";
import {
  authFiles,
  helperIn,
  isObject,
  normalKey,
  readConfig,
  type CredentialOptions,
  type LoginConfig,
} from "./credentials.ts";

/** Where a login is kept now. */
export type LoginPlace =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "helper"; readonly program: string };

/**
 * The file that logins are written to: the one given, `REGISTRY_AUTH_FILE`, else Apptainer's. It is the first that is
 * asked for a login, so none in another file hides what is written there.
 */
export function loginFile(options: CredentialOptions = {}): string {
  return resolve(authFiles(options.env ?? process.env, options)[0] ?? "");
}

/**
 * Keeps a login, in the helper that the user has set up for the registry or in the login file (mode 0600).
 * @param registry host and port, `docker.io` for Docker Hub
 * @throws {HostError} `login/not-kept`
 * @throws {FormatError} `login/bad-file`
 */
export async function storeLogin(
  registry: string,
  login: { readonly username: string; readonly password: string },
  options: CredentialOptions = {},
): Promise<LoginPlace> {
  const env = options.env ?? process.env;
  const file = loginFile(options);
  const config = await readOwnConfig(file);
  const helper = await helperFor(registry, config, options);
  const auths = withoutLogin(config, registry);
  if (helper !== undefined) {
    const problem = await tellHelper(helper, "store", registry, env, login);
    if (problem !== undefined) {
      throw new HostError("login/not-kept", `the login to ${registry} can't be kept: ${problem}`, {
        hint: "mend the helper, or take it out of credsStore and credHelpers to keep logins in the file",
      });
    }
    // What stands in the file goes before what Docker's helper keeps.
    if (isObject(config["auths"])) await writeConfig(file, { ...config, auths });
    return { kind: "helper", program: `docker-credential-${helper}` };
  }
  const auth = Buffer.from(`${login.username}:${login.password}`, "utf8").toString("base64");
  await writeConfig(file, { ...config, auths: { ...auths, [storageKey(registry)]: { auth } } });
  return { kind: "file", file };
}

/**
 * Forgets a login.
 * @returns whether there was one, and the files of others that still hold one
 * @throws {HostError} `login/not-kept`
 * @throws {FormatError} `login/bad-file`
 */
export async function removeLogin(
  registry: string,
  options: CredentialOptions = {},
): Promise<{ readonly isRemoved: boolean; readonly stillIn: readonly string[] }> {
  const env = options.env ?? process.env;
  const file = loginFile(options);
  const config = await readOwnConfig(file);
  const helper = await helperFor(registry, config, options);
  const auths = withoutLogin(config, registry);
  const before = isObject(config["auths"]) ? Object.keys(config["auths"]).length : 0;
  let isRemoved = Object.keys(auths).length < before;
  if (isRemoved) await writeConfig(file, { ...config, auths });
  if (helper !== undefined) {
    const problem = await tellHelper(helper, "erase", registry, env);
    if (problem !== undefined) {
      throw new HostError(
        "login/not-kept",
        `the login to ${registry} can't be removed: ${problem}`,
        {
          hint: "remove it with the helper's own means",
        },
      );
    }
    isRemoved = true;
  }
  const stillIn: string[] = [];
  for (const other of authFiles(env, options).slice(1)) {
    const found = await readConfig(other, {});
    if (found === undefined || resolve(other) === file) continue;
    const names = isObject(found["auths"]) ? Object.keys(found["auths"]) : [];
    if (names.some((name) => normalKey(name) === registry)) stillIn.push(other);
  }
  return { isRemoved, stillIn };
}

/** The helper that the login file names for a registry, else Docker's file, where most people set one up. */
async function helperFor(
  registry: string,
  config: LoginConfig,
  options: CredentialOptions,
): Promise<string | undefined> {
  const own = helperIn(config, [registry]);
  if (own !== undefined || options.authFile !== undefined) return own;
  for (const file of authFiles(options.env ?? process.env, options)) {
    const other = await readConfig(file, options);
    const helper = other && helperIn(other, [registry]);
    if (helper !== undefined) return helper;
  }
  return undefined;
}

function withoutLogin(config: LoginConfig, registry: string): Record<string, unknown> {
  const auths = isObject(config["auths"]) ? config["auths"] : {};
  return Object.fromEntries(Object.entries(auths).filter(([name]) => normalKey(name) !== registry));
}

/** A file that can't be understood is not written over: somebody's logins are in it. */
async function readOwnConfig(file: string): Promise<LoginConfig> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw notKept(file, error, message);
  }
  if (text.trim() === "") return {};
  try {
    const json = JSON.parse(text) as unknown;
    if (isObject(json)) return json;
  } catch {
    // What JSON.parse says quotes the text, and the text holds secrets.
  }
  throw new FormatError("login/bad-file", `${file} is no file of logins`, {
    hint: "mend or remove it, or name another file with --authfile",
  });
}

/** Whole or not at all, for the owner's eyes only, and through a link to where it leads. */
async function writeConfig(file: string, config: LoginConfig): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const temporary = `${target}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(config, undefined, "\t")}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw notKept(file, error, (error as Error).message);
  }
}

function notKept(file: string, cause: unknown, why: string): HostError {
  return new HostError("login/not-kept", `the login can't be kept in ${file}: ${why}`, {
    cause,
    hint: "name another file with --authfile or REGISTRY_AUTH_FILE",
  });
}
