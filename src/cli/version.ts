import { readFileSync } from "node:fs";

/** tsbuild's own version, from package.json, which lies two folders up from here in the sources and when built. */
export function ownVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
