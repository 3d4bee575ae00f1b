// Options whose values nobody may see: where they are, never what they are, stands on the command line, which everybody
// on the machine can read.

import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Secret } from "../build/options.ts";
import { csvRecord } from "../definition/csv-record.ts";
import { UsageError } from "../model/error.ts";
import { unreadable } from "./read-spec.ts";
import type { Environment } from "./settings.ts";

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const largestBytes = 1 << 20;

/**
 * What `id=NAME[,src=FILE|,env=VARIABLE]` names, for each; without a place it is the variable NAME.
 * @param option as it was given, for messages
 * @throws {UsageError} `usage/secret`
 * @throws {HostError} `host/not-readable`
 */
export async function readSecrets(
  option: "--secret" | "--build-arg-secret",
  specs: readonly string[],
  context: { readonly folder: string; readonly environment: Environment },
): Promise<Secret[]> {
  const secrets: Secret[] = [];
  for (const spec of specs) {
    const wrong = (reason: string) => wrongSecret(option, reason);
    const record = csvRecord(spec);
    if (typeof record === "string") throw wrong(record);
    const fields = new Map<string, string>();
    for (const field of record) {
      const [key = "", ...value] = field.split("=");
      if (value.length === 0) throw wrong("a part of it is not key=value");
      fields.set(key.trim() === "source" ? "src" : key.trim(), value.join("="));
    }
    const name = fields.get("id") ?? "";
    if (!namePattern.test(name))
      throw wrong("id=NAME is missing, or no name of letters and digits");
    if (secrets.some((other) => other.name === name)) throw wrong(`${name} is given twice`);
    const type = fields.get("type");
    if (type !== undefined && type !== "file" && type !== "env") throw wrong("type is file or env");
    for (const key of fields.keys()) {
      if (!["id", "src", "env", "type"].includes(key))
        throw wrong("it has another key than id, src, env and type");
    }
    const file = type === "env" ? undefined : fields.get("src");
    const variable = fields.get("env") ?? (type === "env" ? fields.get("src") : undefined);
    if (file !== undefined && variable !== undefined) throw wrong("it is src or env, not both");
    const value =
      file === undefined
        ? fromVariable(variable ?? name, context.environment, wrong)
        : await fromFile(file, context.folder, wrong);
    secrets.push({ name, value });
  }
  return secrets;
}

function fromVariable(
  name: string,
  environment: Environment,
  wrong: (reason: string) => UsageError,
): Uint8Array {
  const value = environment[name];
  if (value === undefined) throw wrong(`the variable ${name} is not set`);
  return Buffer.from(value);
}

async function fromFile(
  name: string,
  folder: string,
  wrong: (reason: string) => UsageError,
): Promise<Uint8Array> {
  const file = resolve(folder, name);
  const stats = await stat(file).catch(unreadable(name));
  // A pipe can be read once, and a plain user's build starts a second time.
  if (!stats.isFile()) throw wrong(`${name} is no file`);
  if (stats.size > largestBytes) throw wrong(`${name} is larger than 1 MiB`);
  return readFile(file).catch(unreadable(name));
}

/** Somebody may have put the secret itself there, so nothing of what was given is shown. */
function wrongSecret(option: string, reason: string): UsageError {
  return new UsageError("usage/secret", `${option} can't be used: ${reason}`, {
    hint: `write ${option} id=NAME,src=FILE or ${option} id=NAME,env=VARIABLE`,
  });
}
