import { appBase, appInstallScript, placesOf } from "../../layout/apps.ts";
import { displayText } from "../../definition/display-text.ts";
import type { Stage } from "../../model/definition.ts";
import type { App } from "../../model/plan.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";
import { writeFile } from "./run-script.ts";

export interface AppInstructions {
  /** What makes the apps' folders. */
  readonly folders: readonly string[];
  /** What stands behind `%post`, in the same script. */
  readonly installation: string;
  /** What writes their scripts. */
  readonly scripts: readonly string[];
}

/**
 * Apps at their places in the Scientific Filesystem. Docker can't start one by its name, so that each script brings its
 * variables itself and can be the entrypoint.
 */
export function appInstructions(
  apps: readonly App[],
  stage: Stage,
  marks: Marks,
  losses: Losses,
): AppInstructions {
  const folders: string[] = [];
  const scripts: string[] = [];
  const good = apps.filter(({ name, location }) => {
    if (isPlainName(name)) return true;
    const hint = "use letters, digits, _ . and -";
    losses.lost(location, `the app ${displayText(marks.shown(name))} is left out`, hint);
    return false;
  });
  for (const { name, parts } of good) {
    const { root, meta, data } = placesOf(name);
    folders.push(
      `RUN mkdir -p ${root}/bin ${root}/lib ${meta}/env ${data}/input ${data}/output`,
      ...writeFile(`${meta}/env/01-base.sh`, appBase(name), marks),
    );
    if (parts.env !== undefined) {
      scripts.push(...writeFile(`${meta}/env/90-environment.sh`, parts.env, marks));
    }
    const start = [
      "#!/bin/sh",
      `. ${meta}/env/01-base.sh`,
      ...(parts.env === undefined ? [] : [`. ${meta}/env/90-environment.sh`]),
      `export PATH="${root}/bin:$PATH" LD_LIBRARY_PATH="${root}/lib:$LD_LIBRARY_PATH"`,
    ].join("\n");
    const files = { runscript: parts.run, startscript: parts.start, test: parts.test };
    for (const [file, body] of Object.entries(files)) {
      if (body !== undefined) {
        scripts.push(...writeFile(`${meta}/${file}`, `${start}\n\n${body}`, marks));
      }
    }
  }
  tellApps(good, stage, losses);
  return { folders, installation: appInstallScript(good).text, scripts };
}

/** Whether an app's name means the same wherever it is written. Others are left out. */
export const isPlainName = (name: string): boolean =>
  /^[\w.-]+(?:\/[\w.-]+)*$/.test(name) && !/(?:^|\/)\.\.?(?:\/|$)/.test(name);

function tellApps(apps: readonly App[], stage: Stage, losses: Losses): void {
  const names = new Set(apps.map(({ name }) => name));
  for (const { name, app = "", location } of stage.sections) {
    if (!names.has(app)) continue;
    if (name === "applabels" || name === "apphelp") {
      const hint = "write LABEL for what should be known of the image";
      losses.lost(location, `%${name} ${app} is left out`, hint);
    } else if (name === "apprun" || name === "appstart" || name === "apptest") {
      const file = { apprun: "runscript", appstart: "startscript", apptest: "test" }[name];
      losses.differs(
        location,
        `Docker has no --app, and starts %${name} ${app} by its path`,
        `docker run --entrypoint ${placesOf(app).meta}/${file} IMAGE`,
      );
    }
  }
}
