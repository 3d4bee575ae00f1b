import { readNode } from "../contents/read-node.ts";
import { inspectMetadata } from "../layout/inspect.ts";
import { UsageError } from "../model/error.ts";
import { listTree } from "../tree/list-tree.ts";
import { openAnyImage } from "./open-any-image.ts";
import type { Terminal } from "./terminal.ts";

interface InspectFlags {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly deffile?: boolean;
  readonly runscript?: boolean;
  readonly labels?: boolean;
  readonly environment?: boolean;
  readonly helpfile?: boolean;
  readonly test?: boolean;
  readonly startscript?: boolean;
  readonly list?: boolean;
  readonly listApps?: boolean;
  readonly app?: string;
}

/** The members of `data.attributes`, in the order in which they are shown. */
interface Attributes {
  readonly apps?: Readonly<Record<string, Attributes>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly runscript?: string;
  readonly test?: string;
  readonly helpfile?: string;
  readonly deffile?: string;
  readonly startscript?: string;
}

interface Metadata {
  readonly data: { readonly attributes: Attributes };
  /** What only images of ours say. */
  readonly tsbuild?: { readonly format: number };
}

const members = [
  "environment",
  "labels",
  "runscript",
  "test",
  "helpfile",
  "deffile",
  "startscript",
] as const;

/** `tsbuild inspect IMAGE`: what an image says about itself, in Apptainer's forms. */
export async function inspectCommand(
  operands: readonly string[],
  flags: InspectFlags,
  terminal: Terminal,
): Promise<number> {
  const [name = ""] = operands;
  await using image = await openAnyImage(name, terminal.folder);
  if (flags.list === true) {
    for (const line of listTree(image.tree)) terminal.stdout.write(`${line}\n`);
    return 0;
  }
  const text = image.metadata ?? (await inspectMetadata(image.tree, readNode));
  const { data, tsbuild } = JSON.parse(text) as Metadata;
  const whole = data.attributes;
  if (flags.listApps === true) {
    for (const app of Object.keys(whole.apps ?? {})) terminal.stdout.write(`${app}\n`);
    return 0;
  }
  // Everything is everything, as in Apptainer: an app named beside it changes nothing.
  const app = flags.all === true ? undefined : flags.app;
  const chosen = choose(ofApp(whole, app, name), flags);
  const isJson = flags.json === true || flags.all === true;
  const own = flags.all === true ? tsbuild : undefined;
  terminal.stdout.write(isJson ? asJson(chosen, app, own) : asText(chosen));
  return 0;
}

function ofApp(whole: Attributes, app: string | undefined, name: string): Attributes {
  if (app === undefined) return whole;
  const found = whole.apps?.[app];
  if (found !== undefined) return found;
  const names = Object.keys(whole.apps ?? {});
  throw new UsageError("usage/no-app", `${name} has no app ${app}`, {
    hint: names.length === 0 ? "the image has no apps" : `its apps are ${names.join(", ")}`,
  });
}

function choose(whole: Attributes, flags: InspectFlags): Attributes {
  if (flags.all === true) return whole;
  const wanted = members.filter((member) => flags[member] === true);
  const shown = wanted.length === 0 ? (["labels"] as const) : wanted;
  return Object.fromEntries(
    shown.flatMap((member) => (whole[member] === undefined ? [] : [[member, whole[member]]])),
  );
}

function asJson(
  attributes: Attributes,
  app: string | undefined,
  tsbuild: Metadata["tsbuild"],
): string {
  const shown = app === undefined ? attributes : { apps: { [app]: attributes } };
  const whole = { data: { attributes: shown }, type: "container", tsbuild };
  const json = JSON.stringify(whole, null, "\t");
  // Go's encoder escapes these, which stand nowhere but in strings.
  const escaped = json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${escaped}\n`;
}

/** In Apptainer's order, which is another than that of its JSON. */
function asText(attributes: Attributes): string {
  const { deffile, runscript, startscript, test, helpfile, environment, labels } = attributes;
  const texts = [deffile, runscript, startscript, test, helpfile].flatMap((text) =>
    text === undefined ? [] : [`${text}\n`],
  );
  for (const [file, text] of Object.entries(environment ?? {})) {
    texts.push(`=== ${file} ===\n${text}\n\n`);
  }
  for (const [key, text] of Object.entries(labels ?? {})) texts.push(`${key}: ${text}\n`);
  return texts.join("");
}
