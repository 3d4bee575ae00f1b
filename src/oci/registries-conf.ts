// Mirrors of registries, as containers-registries.conf(5) of podman, skopeo and apptainer has them (its version 2).

import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SourceError } from "../model/error.ts";
import type { Reference } from "./reference.ts";
import { parseToml, type TomlTable, type TomlValue } from "./toml.ts";

/** One place where a repository can be read. */
export interface Endpoint {
  readonly registry: string;
  readonly repository: string;
  /** Plain http, or a certificate that nobody vouches for, will do. */
  readonly isInsecure: boolean;
}

interface Location {
  readonly location: string;
  readonly isInsecure: boolean;
  readonly pulls: "all" | "digest-only" | "tag-only";
}

interface RegistryRule {
  readonly prefix: string;
  readonly origin: Location;
  readonly isBlocked: boolean;
  readonly mirrors: readonly Location[];
}

export interface RegistriesOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly home?: string | undefined;
  /** The machine's folder of such files, `/etc/containers`. */
  readonly systemFolder?: string | undefined;
  /** Told of files that can't be used. */
  readonly onProblem?: ((message: string) => void) | undefined;
}

/**
 * Where an image can be had: its mirrors in their order, and its registry last.
 * @throws {SourceError} `source/blocked`
 */
export async function endpointsOf(
  reference: Reference,
  options: RegistriesOptions = {},
): Promise<Endpoint[]> {
  const { registry, repository } = reference;
  const name = `${registry}/${repository}`;
  const own: Endpoint = { registry, repository, isInsecure: false };
  const rule = bestRule(await readRules(options), registry, name);
  if (rule === undefined) return [own];
  if (rule.isBlocked) {
    throw new SourceError("source/blocked", `${rule.prefix} is blocked on this machine`, {
      hint: "registries.conf says so; use another registry, or ask whoever runs this machine",
    });
  }
  const asked = reference.digest === undefined ? "tag-only" : "digest-only";
  return [...rule.mirrors, rule.origin]
    .filter(({ pulls }) => pulls === "all" || pulls === asked)
    .flatMap((place) => endpointAt(place, rule.prefix, own) ?? []);
}

/** The rule with the longest prefix that the name falls under. */
function bestRule(
  rules: readonly RegistryRule[],
  registry: string,
  name: string,
): RegistryRule | undefined {
  const matching = rules.filter(({ prefix }) =>
    prefix.startsWith("*.")
      ? registry.replace(/:\d+$/, "").endsWith(prefix.slice(1))
      : name === prefix || name.startsWith(`${prefix}/`),
  );
  return matching.toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
}

/** Undefined for a location that leaves no name for the repository. */
function endpointAt(place: Location, prefix: string, own: Endpoint): Endpoint | undefined {
  const { location, isInsecure } = place;
  if (location === "") return { ...own, isInsecure };
  const start = prefix.startsWith("*.") ? own.registry : prefix;
  const whole = location + `${own.registry}/${own.repository}`.slice(start.length);
  const slash = whole.indexOf("/");
  if (slash < 1 || !URL.canParse(`https://${whole.slice(0, slash)}`)) return undefined;
  return { registry: whole.slice(0, slash), repository: whole.slice(slash + 1), isInsecure };
}

/** All rules; a later file's goes before an earlier one's for the same prefix. */
async function readRules(options: RegistriesOptions): Promise<RegistryRule[]> {
  const rules = new Map<string, RegistryRule>();
  for (const file of await filesOf(options)) {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") options.onProblem?.(`${file} can't be read: ${message}`);
      continue;
    }
    try {
      for (const rule of rulesIn(parseToml(text))) rules.set(rule.prefix, rule);
    } catch (error) {
      options.onProblem?.(`the mirrors in ${file} are not used: ${(error as Error).message}`);
    }
  }
  return [...rules.values()];
}

async function filesOf(options: RegistriesOptions): Promise<string[]> {
  const env = options.env ?? process.env;
  const explicit = env["CONTAINERS_REGISTRIES_CONF"];
  if (explicit !== undefined && explicit !== "") return [explicit];
  const system = options.systemFolder ?? "/etc/containers";
  const user = join(
    env["XDG_CONFIG_HOME"] || join(options.home ?? homedir(), ".config"),
    "containers",
  );
  const dropIns = await Promise.all(
    [system, user].map(async (folder) => {
      const inside = join(folder, "registries.conf.d");
      const names = await readdir(inside).catch(() => []);
      return names
        .filter((name) => name.endsWith(".conf"))
        .toSorted()
        .map((name) => join(inside, name));
    }),
  );
  const own = join(user, "registries.conf");
  const hasOwn = await readFile(own).then(
    () => true,
    () => false,
  );
  return [hasOwn ? own : join(system, "registries.conf"), ...dropIns.flat()];
}

function rulesIn(root: TomlTable): RegistryRule[] {
  return tablesOf(root["registry"]).flatMap((entry) => {
    const byDigest = entry["mirror-by-digest-only"] === true;
    const origin = locationOf(entry, false);
    const prefix = textOf(entry["prefix"]) || origin.location;
    if (prefix === "") return [];
    const mirrors = tablesOf(entry["mirror"])
      .map((mirror) => locationOf(mirror, byDigest))
      .filter(({ location }) => location !== "");
    return [{ prefix, origin, isBlocked: entry["blocked"] === true, mirrors }];
  });
}

function locationOf(entry: TomlTable, byDigest: boolean): Location {
  const pulls = textOf(entry["pull-from-mirror"]);
  return {
    location: textOf(entry["location"]).replace(/\/+$/, ""),
    isInsecure: entry["insecure"] === true,
    pulls:
      pulls === "digest-only" || pulls === "tag-only" ? pulls : byDigest ? "digest-only" : "all",
  };
}

function tablesOf(value: TomlValue | undefined): TomlTable[] {
  return Array.isArray(value)
    ? value.filter((one): one is TomlTable => typeof one === "object" && !Array.isArray(one))
    : [];
}

function textOf(value: TomlValue | undefined): string {
  return typeof value === "string" ? value : "";
}
