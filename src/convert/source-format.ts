/** What `tsbuild convert` reads and writes. */
export type Format = "definition" | "dockerfile";

export const formats: readonly Format[] = ["definition", "dockerfile"];

/**
 * Whether a file is a definition or a Dockerfile, by what is in it: a definition has a `Bootstrap:` line in its header, a
 * Dockerfile starts with `FROM` or `ARG`. Where that says nothing its name decides.
 */
export function sourceFormat(name: string, text: string): Format {
  const lines = text.split("\n").map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !line.startsWith("#")) ?? "";
  if (/^(?:from|arg)\s/i.test(first)) return "dockerfile";
  if (/^\w+\s*:|^%\w/.test(first)) return "definition";
  return /dockerfile|containerfile/i.test(name.slice(name.lastIndexOf("/") + 1))
    ? "dockerfile"
    : "definition";
}
