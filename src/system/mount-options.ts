import { readFileSync, realpathSync } from "node:fs";

/**
 * The options of the mount that a file or folder is on (`noexec`, `nosuid`, `ro` …), by proc_pid_mountinfo(5). None when
 * that can't be told.
 */
export function mountOptions(path: string): readonly string[] {
  try {
    return mountOptionsIn(readFileSync("/proc/self/mountinfo", "latin1"), realpathSync(path));
  } catch {
    return [];
  }
}

/** The same, from the file's text and a path without symlinks. */
export function mountOptionsIn(mountInfo: string, path: string): readonly string[] {
  const bytes = Buffer.from(path).toString("latin1");
  let best: { readonly mountPoint: string; readonly options: string } | undefined;
  for (const line of mountInfo.split("\n")) {
    const [, , , , escaped = "", options = ""] = line.split(" ");
    const mountPoint = unescaped(escaped);
    const covers = mountPoint === "/" || bytes === mountPoint || bytes.startsWith(`${mountPoint}/`);
    // Of mounts at one place, the last one is on top.
    if (covers && mountPoint !== "" && mountPoint.length >= (best?.mountPoint.length ?? 0)) {
      best = { mountPoint, options };
    }
  }
  return best?.options.split(",") ?? [];
}

/** Blanks, tabs, line feeds and backslashes are written in octal there. */
export function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
