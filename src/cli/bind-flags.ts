import { isAbsolute, resolve } from "node:path";
import { existsSync } from "node:fs";
import { UsageError } from "../model/error.ts";
import type { Bind } from "../build/options.ts";
import { csvRecord } from "../definition/csv-record.ts";

/**
 * What `--bind SRC[:DST[:ro|rw]]` (comma lists) and `--mount type=bind,…` ask for, in the forms that Apptainer reads: a
 * backslash keeps the meaning of a colon or comma away, and fields of `--mount` may stand in double quotes. A relative
 * source starts in the working directory, and a missing destination is the source.
 * @throws {UsageError} `usage/bind`
 */
export function bindFlags(
  binds: readonly string[],
  mounts: readonly string[],
  folder: string,
): readonly Bind[] {
  return [
    ...binds.flatMap((list) => splitBinds(list).map((one) => fromBind(one, list, folder))),
    ...mounts.map((one) => fromMount(one, folder)),
  ];
}

/** The parts of each bind. A comma behind options may be followed by a further one, or by the next bind. */
function splitBinds(list: string): string[][] {
  const binds: string[][] = [];
  for (const word of split(list, ",").filter((one) => one !== "")) {
    const last = binds.at(-1);
    if (last?.length === 3 && isOption(word)) last[2] += `,${word}`;
    else binds.push(split(word, ":"));
  }
  return binds;
}

const isOption = (word: string) => /^(?:ro|rw|(?:id|image-src)=.*)$/.test(word);

/** Cuts at a separator that has no backslash before it. */
function split(text: string, separator: string): string[] {
  const parts = [""];
  for (const [piece] of text.matchAll(/\\.|[^]/g)) {
    if (piece === separator) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts;
}

/** The text with what a backslash protected. */
const plain = (text: string) => text.replaceAll(/\\([:,\\])/g, "$1");

function fromBind(
  [source = "", destination, options, ...more]: readonly string[],
  text: string,
  folder: string,
): Bind {
  if (source === "" || more.length > 0) throw wrong("--bind", text, "write it SRC[:DST[:ro]]");
  const from = plain(source);
  const words = options === undefined ? [] : options.split(",");
  const to = destination === undefined ? resolve(folder, from) : plain(destination);
  return checked("--bind", text, from, to, words, folder);
}

const mountKeys: Readonly<Record<string, "type" | "source" | "destination" | "ro">> = {
  type: "type",
  source: "source",
  src: "source",
  destination: "destination",
  dst: "destination",
  target: "destination",
  ro: "ro",
  readonly: "ro",
};

function fromMount(text: string, folder: string): Bind {
  const record = csvRecord(text);
  if (typeof record === "string") throw wrong("--mount", text, record);
  const fields = new Map<string, string>();
  for (const field of record) {
    const equals = field.indexOf("=");
    const name = equals === -1 ? field : field.slice(0, equals);
    const key = mountKeys[name];
    if (key === undefined) throw wrong("--mount", text, `there is no ${name} for a bind`);
    fields.set(key, equals === -1 ? "true" : field.slice(equals + 1));
  }
  const source = fields.get("source") ?? "";
  const destination = fields.get("destination") ?? "";
  if (fields.get("type") !== "bind" || source === "" || destination === "") {
    throw wrong("--mount", text, "write it type=bind,source=SRC,destination=DST[,ro]");
  }
  const readOnly = fields.get("ro") ?? "false";
  if (readOnly !== "true" && readOnly !== "false")
    throw wrong("--mount", text, "ro is true or false");
  return checked("--mount", text, source, destination, readOnly === "true" ? ["ro"] : [], folder);
}

function checked(
  flag: string,
  text: string,
  source: string,
  destination: string,
  options: readonly string[],
  folder: string,
): Bind {
  if (!isAbsolute(destination))
    throw wrong(flag, text, "the destination inside starts with a slash");
  for (const option of options) {
    if (option !== "ro" && option !== "rw")
      throw wrong(flag, text, `options are ro and rw, not ${option}`);
  }
  const from = resolve(folder, source);
  if (!existsSync(from)) throw wrong(flag, text, `there is no ${from} on this machine`);
  return { source: from, destination, readOnly: options.includes("ro") };
}

function wrong(flag: string, text: string, hint: string): UsageError {
  return new UsageError("usage/bind", `${flag} ${text} can't be used`, { hint });
}
