/**
 * The variables that lines of a shell script export with values that need no shell: words without expansions, in quotes
 * or not. `export A=1 B="two words"` gives both; `export PATH=/opt/bin:$PATH` and all else give nothing.
 */
export function literalExports(script: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of script.split("\n")) {
    const rest = /^\s*export((?:\s+[A-Za-z_]\w*=(?:[\w./:@%+,-]|'[^']*'|"[^"\\$`]*")*)+)\s*$/.exec(
      line,
    );
    if (rest === null) continue;
    for (const [, name = "", value = ""] of (rest[1] ?? "").matchAll(
      /\s+([A-Za-z_]\w*)=((?:[\w./:@%+,-]|'[^']*'|"[^"]*")*)/g,
    )) {
      found.set(
        name,
        value.replaceAll(
          /'([^']*)'|"([^"]*)"/g,
          (_, single?: string, double?: string) => single ?? double ?? "",
        ),
      );
    }
  }
  return found;
}
