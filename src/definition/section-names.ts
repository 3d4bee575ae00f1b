import type { AppSectionName, SectionName } from "../model/definition.ts";

/** The plain sections, with what each is for. */
export const sectionMeanings: Readonly<Record<SectionName, string>> = {
  help: "The text that `run-help` shows.",
  setup: "A script run on the host, as the user who builds, before the files are copied.",
  files: "Files to copy in, from the host or with `from NAME` from another stage.",
  labels: "Labels of the image, a name and a value on each line.",
  environment: "Shell lines that are read whenever the container starts.",
  pre: "A script run on the host before anything else.",
  post: "The script run inside the container that installs what it needs.",
  runscript: "What `run` starts.",
  test: "What `test` starts, and the end of a build.",
  startscript: "What an instance starts.",
  arguments: "Default values of build arguments, `name=value` on each line.",
};

/** The sections that belong to an app, whose name stands behind them. */
export const appSectionMeanings: Readonly<Record<AppSectionName, string>> = {
  appinstall: "Lines added to `%post`, run in the app's folder.",
  applabels: "Labels of the app.",
  appfiles: "Files to copy into the app's folder.",
  appenv: "Shell lines that are read when the app starts.",
  apptest: "What `test --app` starts.",
  apphelp: "The text that `run-help --app` shows.",
  apprun: "What `run --app` starts.",
  appstart: "What an instance of the app starts.",
};

export const sectionNames = Object.keys(sectionMeanings) as readonly SectionName[];
export const appSectionNames = Object.keys(appSectionMeanings) as readonly AppSectionName[];

/** Whether the name, in lower case, is that of a plain section. */
export function isSectionName(name: string): name is SectionName {
  return Object.hasOwn(sectionMeanings, name);
}

/** Whether the name is that of an app section; they are never written in upper case. */
export function isAppSectionName(name: string): name is AppSectionName {
  return Object.hasOwn(appSectionMeanings, name);
}
