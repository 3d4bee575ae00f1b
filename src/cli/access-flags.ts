// The options of every command that speaks to registries, with Apptainer's names where it has them.

import { resolve } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../model/error.ts";
import type { RegistryAccess } from "../source/source.ts";
import { parseSize } from "./quantity.ts";
import { setting, switchSetting, type Environment } from "./settings.ts";

export interface AccessFlags {
  readonly https?: boolean;
  readonly authfile?: string;
  readonly dockerLogin?: boolean;
  readonly dockerHost?: string;
  readonly certDir?: string;
  /** False with `--no-cache`. */
  readonly cache?: boolean;
  readonly offline?: boolean;
  readonly cacheSize?: string;
  readonly disableCache?: boolean;
}

/** What a cache may hold where nobody says anything: a few large images, and well below usual quotas. */
const usualCacheBytes = 20 * 1024 ** 3;

/** Gives a command the options that say how registries are spoken to. */
export function addAccessFlags(command: Command): Command {
  return command
    .optionsGroup("Registries:")
    .option("--no-https", "talk plain http to registries")
    .option("--authfile <file>", "a file of logins in Docker's form, asked before all others")
    .option("--docker-login", "ask for a name and password, for every registry")
    .option("--docker-host <address>", "where the Docker daemon listens (for docker-daemon)")
    .option("--cert-dir <folder>", "a folder with ca.crt, client.cert and client.key")
    .optionsGroup("Cache:")
    .option("--disable-cache", "keep nothing in the cache and use nothing of it")
    .option("--no-cache", "use nothing of the cache, but keep what is fetched")
    .option("--offline", "ask nobody for anything, scripts included: all must be in the cache")
    .option(
      "--cache-size <size>",
      "what the cache may hold: 500M, 20G, unlimited (default 20G); what was not used for longest goes first",
    );
}

/**
 * How registries are to be spoken to: flags first, then variables (`TSBUILD_`, `APPTAINER_`, `SINGULARITY_`).
 * @throws {UsageError} `usage/size`, `usage/options`, `usage/environment`
 */
export async function accessOf(
  flags: AccessFlags,
  environment: Environment,
  folder: string,
): Promise<RegistryAccess> {
  const isOffline = flags.offline ?? switchSetting(environment, "OFFLINE");
  const isDisabled = flags.disableCache ?? switchSetting(environment, "DISABLE_CACHE");
  if (isOffline && (isDisabled || flags.cache === false)) {
    throw new UsageError(
      "usage/options",
      `--offline takes everything from the cache, and ${isDisabled ? "--disable-cache" : "--no-cache"} forbids it`,
      { hint: "leave out one of the two" },
    );
  }
  const authFile = flags.authfile ?? setting(environment, "AUTHFILE");
  const asksLogin = flags.dockerLogin ?? switchSetting(environment, "DOCKER_LOGIN");
  const dockerHost = flags.dockerHost ?? setting(environment, "DOCKER_HOST");
  return {
    noHttps:
      flags.https === false ||
      switchSetting(environment, "NOHTTPS") ||
      switchSetting(environment, "NO_HTTPS"),
    isOffline,
    isFresh: flags.cache === false,
    maxCacheBytes: cacheBytes(flags.cacheSize ?? setting(environment, "CACHE_SIZE")),
    ...(authFile === undefined ? {} : { authFile: resolve(folder, authFile) }),
    ...(flags.certDir === undefined ? {} : { certificateFolder: resolve(folder, flags.certDir) }),
    ...(dockerHost === undefined ? {} : { dockerHost }),
    ...(asksLogin && !isOffline ? { login: await askLogin() } : {}),
  };
}

async function askLogin() {
  const { askLine, askSecret } = await import("./ask.ts");
  const username = await askLine("Docker username: ");
  return {
    kind: "password",
    username,
    password: await askSecret("Docker password: "),
  } as const;
}

/** @throws {UsageError} `usage/size` */
function cacheBytes(text: string | undefined): number {
  if (text === undefined) return usualCacheBytes;
  return text === "unlimited" ? Infinity : sizeFlag(text, "--cache-size");
}

/** A size that a flag or its variable gives. @throws {UsageError} `usage/size` */
export function sizeFlag(text: string, flag: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError("usage/size", `${flag} ${text} is no size`, {
    hint: `write ${flag} 500M, 20G or 1T`,
  });
}
