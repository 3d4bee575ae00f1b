import { splitPair } from "../../definition/build-arguments.ts";
import { trim } from "../../definition/white-space.ts";
import type { Stage } from "../../model/definition.ts";
import type { Location } from "../../model/location.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";

/** The default values of a stage's build arguments, with marks for the arguments in them. */
export function defaultsOf({ sections }: Stage): ReadonlyMap<string, string> {
  const body = sections.find(({ name }) => name === "arguments")?.body ?? "";
  const lines = body.split("\n").map((line) => trim(line));
  const pairs = lines
    .filter((line) => !line.startsWith("#"))
    .flatMap((line) => splitPair(line) ?? []);
  return new Map(pairs.map(({ name, value }) => [name, value]));
}

/** The value that a default has without any `--build-arg`. A definition fills in the arguments in it, but no further. */
export function resolvedDefault(
  name: string,
  defaults: ReadonlyMap<string, string>,
  marks: Marks,
): string | undefined {
  const value = defaults.get(name);
  if (value === undefined) return undefined;
  return marks.replace(value, (inner) => marks.shown(defaults.get(inner) ?? marks.of(inner)));
}

/**
 * An ARG for each of the names and what its default needs, that first.
 * @param location where to tell what differs
 */
export function argumentLines(
  names: readonly string[],
  defaults: ReadonlyMap<string, string>,
  marks: Marks,
  losses: Losses,
  location: (name: string) => Location,
): string[] {
  const lines = new Map<string, string>();
  const add = (name: string) => {
    if (lines.has(name)) return;
    const variable = marks.variable(name);
    if (variable !== name) {
      const hint = `build with --build-arg ${variable}=VALUE`;
      losses.differsOnce(
        `name of ${name}`,
        location(name),
        `the build argument ${name} is called ${variable}`,
        hint,
      );
    }
    const value = defaults.get(name);
    if (value === undefined) {
      lines.set(name, `ARG ${variable}`);
      return;
    }
    const inner = marks.in(value);
    if (inner.some((used) => marks.in(defaults.get(used) ?? "").length > 0)) {
      const plain = resolvedDefault(name, defaults, marks) ?? "";
      lines.set(name, `ARG ${variable}=${marks.word(plain)}`);
      losses.differsOnce(
        `nesting of ${name}`,
        location(name),
        `other build arguments don't change the default of ${name}`,
        "write the default with one level of arguments in it",
      );
      return;
    }
    for (const used of inner) add(used);
    lines.set(name, `ARG ${variable}=${marks.word(value)}`);
  };
  for (const name of names) add(name);
  return [...lines.values()];
}
