// Apps inside one image, as the Scientific Filesystem (SCIF) has them. For an app `foo`:
//
//   /scif/apps/foo/                the app's own files, what %appfiles copied
//   /scif/apps/foo/bin, lib        in front of PATH and LD_LIBRARY_PATH when the app runs
//   /scif/apps/foo/scif/           runscript, startscript, test, runscript.help, labels.json
//   /scif/apps/foo/scif/env/       01-base.sh, 90-environment.sh
//   /scif/data/foo/input, output   where its data may go

import type { ByteString } from "../model/bytes-path.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { App } from "../model/plan.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { splitPath } from "../tree/safe-path.ts";
import { labelsFile, parseLabels } from "./labels.ts";
import { ensureDirectory, placeFile, type LayoutContext } from "./place.ts";
import { shellWord } from "./shell-quote.ts";

/**
 * Writes the apps' trees and `94-appsbase.sh`, which is there without apps too, and is then empty. `%appfiles` and
 * `%appinstall` are not done here. `encoding` is the definition's, UTF-8 without it.
 * @throws {FormatError} `tree/path-escape` for an app whose name leads out of `/scif/apps`
 */
export function writeApps(
  tree: FileTree,
  apps: readonly App[],
  context: LayoutContext & { readonly encoding?: TextEncoding },
): void {
  const encoded = (text: string) => Buffer.from(text, context.encoding ?? "utf8");
  const bytes = (text: string): ByteString => encoded(text).toString("latin1");
  for (const app of apps) {
    // Apptainer lets `%apprun ../../x` write anywhere.
    splitPath(bytes(app.name));
    const places = placesOf(app.name);
    const folder = bytes(places.root.slice(1));
    const data = bytes(places.data.slice(1));
    for (const path of [
      `${folder}/scif/env`,
      `${folder}/bin`,
      `${folder}/lib`,
      `${data}/input`,
      `${data}/output`,
    ]) {
      ensureDirectory(tree, path, context);
    }
    const write = (name: string, mode: number, text: string | Uint8Array | undefined) => {
      if (text !== undefined) placeFile(tree, `${folder}/scif/${name}`, text, mode, context);
    };
    const script = (body: string | undefined) =>
      body === undefined ? undefined : encoded(`#!/bin/sh\n\n${body}\n`);
    const { parts } = app;
    write("env/01-base.sh", 0o755, encoded(appBase(app.name)));
    write("env/90-environment.sh", 0o755, parts.env && encoded(parts.env));
    write("runscript", 0o755, script(parts.run));
    write("startscript", 0o755, script(parts.start));
    write("test", 0o755, script(parts.test));
    write("runscript.help", 0o644, parts.help && encoded(parts.help));
    const labels = parseLabels(bytes(parts.labels ?? ""));
    write("labels.json", 0o644, labelsFile(labels.set("SCIF_APP_NAME", bytes(app.name))));
  }
  placeFile(
    tree,
    ".singularity.d/env/94-appsbase.sh",
    encoded(appsBase(apps, bytes)),
    0o755,
    context,
  );
}

/** Where an app's own files, those about it and its data are. */
export function placesOf(name: string) {
  return {
    root: `/scif/apps/${name}`,
    meta: `/scif/apps/${name}/scif`,
    data: `/scif/data/${name}`,
  };
}

/** `01-base.sh` of an app: what its scripts and its installation know about it. */
export function appBase(name: string): string {
  const { root, meta, data } = placesOf(name);
  return exported([
    ["SCIF_APPNAME", name],
    ["SCIF_APPROOT", root],
    ["SCIF_APPMETA", meta],
    ["SCIF_DATA", "/scif/data"],
    ["SCIF_APPDATA", data],
    ["SCIF_APPINPUT", `${data}/input`],
    ["SCIF_APPOUTPUT", `${data}/output`],
  ]);
}

/**
 * `94-appsbase.sh`: where to find every app of the image. Variables are called after the app with `_` for what a shell's
 * names can't have. Apptainer puts that name into the paths as well, which is wrong for an app `a-b`; we don't.
 */
function appsBase(apps: readonly App[], bytes: (text: string) => ByteString): string {
  return apps
    .map(({ name, parts }) => {
      const { root, meta, data } = placesOf(name);
      const suffix = bytes(name).replaceAll(/\W/g, "_");
      const variables: [string, string][] = [
        ["SCIF_APPDATA", data],
        ["SCIF_APPMETA", meta],
        ["SCIF_APPROOT", root],
        ["SCIF_APPBIN", `${root}/bin`],
        ["SCIF_APPLIB", `${root}/lib`],
        ["SCIF_APPLABELS", `${meta}/labels.json`],
      ];
      if (parts.env !== undefined) variables.push(["SCIF_APPENV", `${meta}/env/90-environment.sh`]);
      if (parts.run !== undefined) variables.push(["SCIF_APPRUN", `${meta}/runscript`]);
      if (parts.start !== undefined) variables.push(["SCIF_APPSTART", `${meta}/startscript`]);
      return exported(variables.map(([key, value]) => [`${key}_${suffix}`, value]));
    })
    .join("");
}

const exported = (variables: readonly (readonly [string, string])[]) =>
  variables.map(([name, value]) => `export ${name}=${shellWord(value)}\n`).join("");

/**
 * What has to stand behind the text of `%post` so that every app is installed, in the same shell: options, variables and
 * an `exit` of `%post` act on it, as in Apptainer. `lines` has the line of the definition for each line of the text.
 */
export function appInstallScript(apps: readonly App[]): {
  readonly text: string;
  readonly lines: readonly number[];
} {
  let text = "";
  const lines: number[] = [];
  const heading = (app: App, ...commands: readonly string[]) => {
    text += commands.map((command) => `${command}\n`).join("");
    lines.push(...commands.map(() => app.location.line));
  };
  for (const app of apps) {
    const { root, meta } = placesOf(app.name);
    heading(app, "cd /", `. ${shellWord(`${meta}/env/01-base.sh`)}`, `cd ${shellWord(root)}`);
    text += app.parts.install ?? "";
    lines.push(...app.installLines);
    heading(app, "cd /");
  }
  return { text, lines };
}
