// ENV and ARG.

import { plainText, variablesOf, type Word } from "../dockerfile/docker-word.ts";
import type { NamedWord } from "../dockerfile/dockerfile.ts";
import type { Losses } from "../losses.ts";
import { shellText } from "./shell-text.ts";
import type { StageDraft } from "./stage-draft.ts";
import type { Variables } from "./variables.ts";

export interface VariableContext {
  readonly variables: Variables;
  readonly draft: StageDraft;
  readonly losses: Losses;
  /** There is a RUN in the stage. */
  readonly hasShell: boolean;
  readonly isLast: boolean;
  readonly isFromScratch: boolean;
  /** The defaults of the ARGs above the first FROM, as far as they are known. */
  readonly globals: ReadonlyMap<string, string | undefined>;
}

/** Where the build's proxies are handed on, an ARG for them says nothing. */
const proxies = new Set(["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"]);

/** What Docker fills in by itself, for the platform that is most likely. */
const platformArguments: Readonly<Record<string, string>> = {
  TARGETPLATFORM: "linux/amd64",
  TARGETOS: "linux",
  TARGETARCH: "amd64",
  TARGETVARIANT: "",
  BUILDPLATFORM: "linux/amd64",
  BUILDOS: "linux",
  BUILDARCH: "amd64",
  BUILDVARIANT: "",
};

/** ENV: for the commands that follow, and for the containers of the last stage. */
export function convertEnvironment(pairs: readonly NamedWord[], context: VariableContext): void {
  const { variables, draft, losses, hasShell, isLast, isFromScratch } = context;
  const before: string[] = [];
  const after: string[] = [];
  const now: string[] = [];
  const later: string[] = [];
  const values: { name: string; value: Word }[] = [];
  for (const { name: word, value = [], location } of pairs) {
    const name = plainText(word) ?? "";
    const foreign = variablesOf(value).filter(
      (used) => used !== "PATH" && variables.isForeign(used),
    );
    if (foreign[0] !== undefined && isLast && !isFromScratch) {
      const message = `$${foreign[0]} is what the base image or the caller of the container has`;
      losses.differs(location, message, "write the value out if it should always be the same");
    }
    const text = variables.later(value);
    before.push(...text.before);
    later.push(`${name}=${text.text}`);
    after.push(...text.after);
    now.push(`${name}=${shellText(value)}`);
    values.push({ name, value });
  }
  if (isLast)
    draft.environment.push(...new Set(before), `export ${later.join(" ")}`, ...new Set(after));
  if (hasShell) draft.post.push(`export ${now.join(" ")}`);
  variables.setEnvironment(values);
}

/** ARG: a build argument of the definition where its default is plain text, else a variable of `%post`. */
export function convertArgument(
  { name: word, value, location }: NamedWord,
  context: VariableContext,
): void {
  const { variables, draft, losses, hasShell } = context;
  const name = plainText(word) ?? "";
  if (proxies.has(name.toLowerCase()) && value === undefined) return;
  const automatic = platformArguments[name];
  if (automatic !== undefined && value === undefined) {
    const hint = `give another with --build-arg ${name}=VALUE`;
    losses.differs(
      location,
      `${name} is ${automatic === "" ? "empty" : automatic} unless it is given`,
      hint,
    );
  }
  const inherited = value === undefined ? (automatic ?? context.globals.get(name)) : undefined;
  const known =
    value === undefined
      ? (inherited ?? "")
      : (variables.known(value) ?? nestedValue(value, variables, draft));
  const taken = draft.arguments.get(name);
  const isPlaceholder =
    known !== undefined &&
    isArgumentValue(known, value) &&
    (taken === undefined || taken === known);
  const hasValue = value !== undefined || inherited !== undefined;
  const own: Word | undefined =
    value ?? (inherited === undefined ? undefined : [{ kind: "text", text: inherited }]);
  if (isPlaceholder) {
    draft.arguments.set(name, known);
    losses.differsOnce(
      "quotes",
      location,
      "a value that is given with --build-arg can't have a single quote or a line feed in it",
      "it stands between single quotes in the scripts",
    );
  } else {
    const hint = "give the ARG a plain default, and the same one everywhere";
    losses.differs(location, `${name} can't be changed with --build-arg`, hint);
  }
  const isHidden = variables.hasEnvironment(name);
  if (hasShell && !isHidden) {
    const text = isPlaceholder ? `'{{ ${name} }}'` : shellText(own ?? []);
    const line = `export ${name}=${text}`;
    if (hasValue) draft.post.push(line);
    else if (isPlaceholder) draft.post.push(`if [ -n ${text} ]; then ${line}; fi`);
  }
  variables.setArgument(name, { isPlaceholder, word: own });
}

/** A default made of other arguments, which a definition fills in if there are no more in theirs. */
function nestedValue(value: Word, variables: Variables, draft: StageDraft): string | undefined {
  const isFlat = variablesOf(value).every(
    (name) => draft.arguments.get(name)?.includes("{{") !== true,
  );
  return isFlat ? variables.template(value) : undefined;
}

/**
 * Whether `%arguments` can give the value, and a shell read it between single quotes.
 * @param word what it was made of, if it may have other arguments in it
 */
export function isArgumentValue(value: string, word?: Word): boolean {
  const text =
    word === undefined ? value : (plainText(word) ?? value.replaceAll(/\{\{ \w+ \}\}/g, ""));
  return value.trim() === value && !/['\n\r\u0085\u2028\u2029]|\{\{/.test(text);
}
