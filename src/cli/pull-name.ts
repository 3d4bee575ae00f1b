import { UsageError } from "../model/error.ts";

/** What is pulled: the scheme, and what stands behind it. */
export interface PullSource {
  readonly scheme: string;
  readonly from: string;
}

const schemes = new Set([
  "library",
  "shub",
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "oras",
  "http",
  "https",
]);

/**
 * Takes `SCHEME://NAME` apart. A name without a scheme is one of a library, as in Apptainer.
 * @throws {UsageError} `usage/pull-source`
 */
export function parsePullSource(text: string): PullSource {
  const colon = text.indexOf(":");
  if (colon < 0 && text !== "") return { scheme: "library", from: text };
  const scheme = text.slice(0, Math.max(colon, 0));
  const from = text.slice(colon + 1).replace(/^\/\//, "");
  if (schemes.has(scheme) && from !== "") return { scheme, from };
  throw new UsageError("usage/pull-source", `${JSON.stringify(text)} names no image to pull`, {
    hint: schemes.has(scheme)
      ? `write the image behind ${scheme}://`
      : `write where it is: docker://${text}, oras://…, library://… or https://…`,
  });
}

/**
 * What Apptainer calls the file: `NAME_TAG.sif`, with `latest` where there is no tag; of a web address its last part.
 * @throws {UsageError} `usage/no-target` where no name can be made
 */
export function pullName({ scheme, from }: PullSource): string {
  const last = from.replace(/^\/+/, "").split("/").at(-1) ?? "";
  const name =
    scheme === "http" || scheme === "https"
      ? decoded(last.replace(/[?#].*$/s, ""))
      : nameAndTag(last);
  if (name === "" || name.includes("/") || name.includes("\0") || /^\.{1,2}$|^_/.test(name)) {
    throw new UsageError("usage/no-target", `no name for the image can be made from ${from}`, {
      hint: "name it: tsbuild pull IMAGE SOURCE",
    });
  }
  return name;
}

function nameAndTag(last: string): string {
  const [name = "", tag = "latest"] = last.replace(/@.*$/s, "").split(":");
  return `${name}_${tag.split(",")[0] ?? ""}.sif`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
