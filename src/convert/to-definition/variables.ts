import { plainText, variablesOf, type Word } from "../dockerfile/docker-word.ts";
import { shellText } from "./shell-text.ts";

/** What ARG gives a name. */
interface Argument {
  /** A build argument of the definition; else a word for the shell, undefined when it has no value at all. */
  readonly isPlaceholder: boolean;
  readonly word: Word | undefined;
}

/** The variables of a stage at one of its instructions. ENV wins over ARG, whatever comes first. */
export class Variables {
  private readonly environment = new Map<string, string | undefined>();
  private readonly arguments = new Map<string, Argument>();
  private readonly isFromScratch: boolean;

  constructor(isFromScratch: boolean) {
    this.isFromScratch = isFromScratch;
  }

  /** ENV: all values are those before the instruction. */
  setEnvironment(pairs: readonly { readonly name: string; readonly value: Word }[]): void {
    const values = pairs.map(({ name, value }) => [name, this.known(value)] as const);
    for (const [name, value] of values) this.environment.set(name, value);
  }

  setArgument(name: string, argument: Argument): void {
    this.arguments.set(name, argument);
  }

  /** At a new FROM. */
  forgetArguments(): void {
    this.arguments.clear();
  }

  hasEnvironment(name: string): boolean {
    return this.environment.has(name);
  }

  /** Whether the value is whatever the base image or the caller has. */
  isForeign(name: string): boolean {
    return !this.environment.has(name) && !this.arguments.has(name);
  }

  /** The text of a word whose variables have values that don't depend on build arguments or the base. */
  known(word: Word): string | undefined {
    const plain = plainText(word);
    if (plain !== undefined) return plain;
    let text = "";
    for (const part of word) {
      const piece = part.kind === "text" ? part.text : this.knownVariable(part);
      if (piece === undefined) return undefined;
      text += piece;
    }
    return text;
  }

  private knownVariable(part: Exclude<Word[number], { kind: "text" }>): string | undefined {
    const isSet = this.environment.has(part.name);
    const value = this.environment.get(part.name);
    if (isSet && value === undefined) return undefined;
    // Patterns are left to a shell.
    if (part.operator !== undefined && /[#%]/.test(part.operator)) return undefined;
    // A base of nothing has no variables, but whatever runs in it has a PATH.
    const isGiven = !this.isFromScratch || part.name === "PATH";
    if (!isSet && (this.arguments.has(part.name) || isGiven)) return undefined;
    const { operator } = part;
    const counts = operator?.startsWith(":") === true ? (value ?? "") !== "" : isSet;
    if (operator === undefined || operator.endsWith("?")) return value ?? "";
    if (operator.endsWith("-")) return counts ? (value ?? "") : this.known(part.word);
    return counts ? this.known(part.word) : "";
  }

  /**
   * A word for a script that runs later, in a container: build arguments are there in variables of other names, which are
   * set before and taken away after, so that they don't touch the caller's.
   */
  later(word: Word): {
    readonly before: string[];
    readonly text: string;
    readonly after: string[];
  } {
    const known = this.known(word);
    if (known !== undefined)
      return { before: [], text: shellText([{ kind: "text", text: known }]), after: [] };
    const before = new Map<string, string>();
    const nameOf = (name: string) => (this.isArgument(name) ? `arg_${name}` : name);
    const define = (name: string) => {
      const argument = this.arguments.get(name);
      if (!this.isArgument(name) || argument === undefined || before.has(name)) return;
      // Reserved at once: an argument whose default names itself must not lead us in circles.
      before.set(name, "");
      if (!argument.isPlaceholder)
        for (const inner of variablesOf(argument.word ?? [])) define(inner);
      const value = argument.isPlaceholder
        ? `'{{ ${name} }}'`
        : shellText(argument.word ?? [], nameOf);
      before.delete(name);
      before.set(name, `arg_${name}=${value}`);
    };
    for (const name of variablesOf(word)) define(name);
    const names = [...before.keys()].map((name) => `arg_${name}`);
    return {
      before: [...before.values()],
      text: shellText(word, nameOf),
      after: names.length > 0 ? [`unset ${names.join(" ")}`] : [],
    };
  }

  /** A word for a place without a shell: build arguments as placeholders. Undefined when that can't say it. */
  template(word: Word): string | undefined {
    const known = this.known(word);
    if (known !== undefined) return /\{\{[\s]*\w+[\s]*\}\}/.test(known) ? undefined : known;
    let text = "";
    for (const part of word) {
      if (part.kind === "text") {
        text += part.text;
        continue;
      }
      const value = this.environment.get(part.name);
      if (part.operator !== undefined) return undefined;
      if (value !== undefined) text += value;
      // Behind a # on its line a placeholder is left as it is.
      else if (
        this.isArgument(part.name) &&
        this.arguments.get(part.name)?.isPlaceholder === true &&
        !text.includes("#")
      )
        text += `{{ ${part.name} }}`;
      else return undefined;
    }
    return text;
  }

  private isArgument(name: string): boolean {
    return !this.environment.has(name) && this.arguments.has(name);
  }
}
