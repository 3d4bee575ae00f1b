import type { AppSectionName, Stage } from "../model/definition.ts";
import type { App } from "../model/plan.ts";
import { splitAppCopyLines } from "./copy-lines.ts";

const appParts = {
  appinstall: "install",
  applabels: "labels",
  appfiles: "files",
  appenv: "env",
  apptest: "test",
  apphelp: "help",
  apprun: "run",
  appstart: "start",
} as const satisfies Record<AppSectionName, keyof App["parts"]>;

/** The apps of a stage, in order of first mention. */
export function appsOf(stage: Stage): App[] {
  const names = new Set(stage.sections.flatMap(({ app }) => (app === undefined ? [] : [app])));
  return [...names].map((name) => {
    const sections = stage.sections.filter(({ app }) => app === name);
    const files = sections.filter((section) => section.name === "appfiles").map(splitAppCopyLines);
    return {
      name,
      parts: Object.fromEntries(
        // A heading without lines makes the app, but none of its files.
        sections
          .filter(({ body }) => body !== "")
          .map((section) => [appParts[section.name as AppSectionName], section.body]),
      ),
      installLines: sections.find((section) => section.name === "appinstall")?.lines ?? [],
      files: files.flatMap((read) => read.lines),
      location: sections[0]?.location ?? stage.location,
    };
  });
}
