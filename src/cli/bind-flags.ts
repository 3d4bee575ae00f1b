import { isAbsolute, resolve } from "node:path";
import { existsSync } from "node:fs";
import { UsageError } from "../model/error.ts";
import type { Bind } from "../build/options.ts";

/**
 * What `--bind SRC[:DST[:ro|rw]]` (comma lists) and `--mount type=bind,…` ask for; a relative source starts in the working
 * directory, and a missing destination is the source.
 * @throws {UsageError} `usage/bind`
 */
export function bindFlags(
  binds: readonly string[],
  mounts: readonly string[],
  folder: string,
): readonly Bind[] {
  return [
    ...binds
      .flatMap((list) => list.split(","))
      .filter((one) => one !== "")
      .map((one) => fromBind(one, folder)),
    ...mounts.map((one) => fromMount(one, folder)),
  ];
}

function fromBind(text: string, folder: string): Bind {
  const [source = "", destination, options, ...more] = text.split(":");
  if (source === "" || more.length > 0) throw wrong("--bind", text, "write it SRC[:DST[:ro]]");
  const words = options === undefined ? [] : [options];
  return checked("--bind", text, source, destination ?? resolve(folder, source), words, folder);
}

function fromMount(text: string, folder: string): Bind {
  const fields = new Map(
    text.split(",").map((field) => {
      const equals = field.indexOf("=");
      return equals === -1
        ? ([field, ""] as const)
        : ([field.slice(0, equals), field.slice(equals + 1)] as const);
    }),
  );
  const field = (...names: string[]) =>
    names.map((name) => fields.get(name)).find((value) => value !== undefined);
  const source = field("source", "src") ?? "";
  const destination = field("destination", "dst", "target") ?? "";
  if (field("type") !== "bind" || source === "" || destination === "") {
    throw wrong("--mount", text, "write it type=bind,source=SRC,destination=DST[,ro]");
  }
  const isReadOnly = fields.has("ro") || fields.has("readonly");
  return checked("--mount", text, source, destination, isReadOnly ? ["ro"] : [], folder);
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
