import { UsageError } from "../model/error.ts";

/** Says whether a section takes effect. */
export type SectionSwitch = (name: string) => boolean;

const switchable = new Set([
  "pre",
  "setup",
  "files",
  "environment",
  "help",
  "labels",
  "startscript",
  "runscript",
  "test",
]);

/**
 * What `--section` means, as in Apptainer: `all` (the default) and `none` stand alone, other names switch their section
 * on and those not named off. Sections without a switch (`%post`, apps, arguments) always take effect.
 * @throws {UsageError} `usage/section`
 */
export function sectionSwitch(names: readonly string[]): SectionSwitch {
  for (const alone of ["all", "none"]) {
    if (names.includes(alone) && names.length > 1) {
      throw new UsageError("usage/section", `--section ${alone} can't stand with other names`, {
        hint: `give --section ${alone} alone, or only the sections that you want`,
      });
    }
  }
  if (names.length === 0 || names.includes("all")) return () => true;
  const on = new Set(names);
  return (name) => !switchable.has(name) || on.has(name);
}
