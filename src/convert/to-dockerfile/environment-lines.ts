import type { Section } from "../../model/definition.ts";
import type { Losses } from "../losses.ts";
import { assignmentsOf, type Statement } from "./assignments.ts";
import type { Marks } from "./marks.ts";
import { sectionLine } from "./section-line.ts";

export interface ImageEnvironment {
  /** ENV instructions. */
  readonly lines: readonly string[];
  /** What needs a shell whenever a container starts, with marks; empty for nothing. */
  readonly script: string;
}

/**
 * ENV for the lines of `%environment` that set plain values. What comes after the first other line may depend on it, and
 * becomes a script that other programs have to be started by.
 * @param starter the script's path
 */
export function environmentLines(
  section: Section,
  marks: Marks,
  losses: Losses,
  valueOf: (name: string) => string | undefined,
  starter: string,
): ImageEnvironment {
  const variables = new ShellVariables();
  const lines: string[] = [];
  const body = section.body.replace(/\n$/, "").split("\n");
  for (const [index, text] of body.entries()) {
    if (/^\s*(?:#|$)/.test(text)) continue;
    const statements = assignmentsOf(text, { marks, valueOf, variables });
    const added = statements?.map((statement) => variables.apply(statement));
    if (added !== undefined && added.every((line) => line !== undefined)) {
      lines.push(...added.filter((line) => line !== ""));
      continue;
    }
    const hint = "write export NAME=VALUE with plain values, first of all";
    const message = `from here on, only what is started by ${starter} has the variables`;
    losses.differs(sectionLine(section, index, text), message, hint);
    return { lines, script: `${variables.localLines()}${body.slice(index).join("\n")}\n` };
  }
  for (const name of variables.unused()) {
    const index = body.findLastIndex((line) => line.trim().startsWith(`${name}=`));
    losses.lost(
      sectionLine(section, index, body[index] ?? ""),
      `${name} is left out: it is not exported`,
      `write export ${name}=VALUE`,
    );
  }
  return { lines, script: "" };
}

/** The variables of the shell that reads `%environment`. */
class ShellVariables {
  /** Those that ENV sets, and those that every container has. */
  private readonly exported = new Set(["PATH", "LD_LIBRARY_PATH"]);
  /** Those that are not exported so far: text for double quotes of a Dockerfile, and the lines that set it. */
  private readonly locals = new Map<string, { readonly text: string; readonly lines: string }>();
  private readonly used = new Set<string>();

  /** How a value names the variable; undefined when Docker doesn't know it. @param form `$NAME` or `${NAME}` */
  text(name: string, form: string): string | undefined {
    this.used.add(name);
    return this.locals.get(name)?.text ?? (this.exported.has(name) ? form : undefined);
  }

  /** The ENV for a statement, empty when it needs none; undefined when one can't say it. */
  apply({ pairs, isExport, source }: Statement): string | undefined {
    const shown: string[] = [];
    for (const { name, value } of pairs) {
      if (isExport || this.exported.has(name)) {
        const text = value ?? this.locals.get(name)?.text;
        if (text === undefined && !this.exported.has(name)) return undefined;
        this.locals.delete(name);
        this.exported.add(name);
        if (text !== undefined) shown.push(`${name}=${quoted(text)}`);
      } else {
        const lines = `${this.locals.get(name)?.lines ?? ""}${source}\n`;
        this.locals.set(name, { text: value ?? "", lines });
      }
    }
    return shown.length > 0 ? `ENV ${shown.join(" ")}` : "";
  }

  /** Variables that nothing sees. */
  unused(): string[] {
    return [...this.locals.keys()].filter((name) => !this.used.has(name));
  }

  /** What sets the variables that are not exported, for a script that goes on from here. */
  localLines(): string {
    return [...this.locals.values()].map(({ lines }) => lines).join("");
  }
}

const quoted = (value: string) => (/^[\w+,./:@%-]+$/.test(value) ? value : `"${value}"`);
