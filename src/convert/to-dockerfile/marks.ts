/** A placeholder of a build argument. The white space is that of Go's `\s`. */
const placeholder = /\{\{[\t\n\f\r ]*([0-9A-Za-z_]+)[\t\n\f\r ]*\}\}/g;

/**
 * Stands for the values of build arguments while a definition is read: characters that are not in its text, around the
 * argument's name. What becomes of them depends on where they are found.
 */
export class Marks {
  /** The arguments that the text has placeholders for, those in comments too. */
  readonly names: readonly string[];
  private readonly open: string;
  private readonly close: string;
  private readonly pattern: RegExp;
  private readonly variables = new Map<string, string>();

  constructor(source: string) {
    this.names = [...new Set([...source.matchAll(placeholder)].map(([, name]) => name ?? ""))];
    for (const name of this.names) this.variables.set(name, this.freeVariable(name));
    // Private characters of Unicode; of 6400 some are free in any text that people write.
    let code = 0xe000;
    const next = () => {
      while (code < 0xf8fe && source.includes(String.fromCharCode(code))) code++;
      return String.fromCharCode(code++);
    };
    this.open = next();
    this.close = next();
    this.pattern = new RegExp(`${this.open}(\\w+)${this.close}`, "g");
  }

  /** Docker makes arguments variables of RUN's environment, where some names are taken and none starts with a digit. */
  private freeVariable(name: string): string {
    if (!isTaken(name)) return name;
    let variable = `arg_${name}`;
    while (this.names.includes(variable)) variable += "_";
    return variable;
  }

  /** What the Dockerfile calls the argument. */
  variable(name: string): string {
    return this.variables.get(name) ?? name;
  }

  of(name: string): string {
    return `${this.open}${name}${this.close}`;
  }

  /** Whether the character is the first of a mark. */
  isStart(character: string): boolean {
    return character === this.open;
  }

  /** The mark that starts at the offset. */
  at(text: string, offset: number): { readonly name: string; readonly end: number } {
    const end = text.indexOf(this.close, offset);
    return { name: text.slice(offset + 1, end), end: end + 1 };
  }

  /** The arguments that a text uses, each once. */
  in(text: string): string[] {
    return [...new Set([...text.matchAll(this.pattern)].map(([, name]) => name ?? ""))];
  }

  /** The text with something for each argument. */
  replace(text: string, value: (name: string) => string): string {
    return text.replaceAll(this.pattern, (_, name: string) => value(name));
  }

  /** The text as its author wrote it, for messages. */
  shown(text: string): string {
    return this.replace(text, (name) => `{{ ${name} }}`);
  }

  /** The text as one word of a Dockerfile, in which arguments are variables. */
  word(text: string): string {
    return /^[\w+,./:@%-]+$/.test(text) ? text : `"${this.escaped(text)}"`;
  }

  /** The text for a place between double quotes of a Dockerfile. */
  escaped(text: string): string {
    return this.replace(text.replaceAll(/[\\"$]/g, "\\$&"), (name) => `\${${this.variable(name)}}`);
  }

  /** The text as one word of a shell to which the arguments are variables. Values stand there as they are. */
  shellWord(text: string): string {
    const quoted = text.replaceAll("'", `'"'"'`);
    return `'${this.replace(quoted, (name) => `'"\${${this.variable(name)}}"'`)}'`;
  }
}

// What shells, linkers and BuildKit have a meaning for.
const taken =
  /^(?:\d.*|_|PATH|HOME|IFS|PWD|OLDPWD|SHELL|USER|LOGNAME|HOSTNAME|TERM|TMPDIR|ENV|BASH_ENV|PS[1-4]|LANG|LANGUAGE|LC_\w+|LD_\w+|(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE|KIT_\w+)|SOURCE_DATE_EPOCH|OPTIND|OPTARG|PPID|UID|EUID|CDPATH|LINENO|RANDOM|SECONDS)$/;

const isTaken = (name: string) => taken.test(name);
