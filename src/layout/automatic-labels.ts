import type { ByteString } from "../model/bytes-path.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { Platform } from "../model/platform.ts";
import { buildDate, createdDate, type BuildTime } from "./build-date.ts";

/** What the automatic labels of an image tell. */
export interface LabelFacts {
  readonly time: BuildTime;
  /** What the image is built for, which need not be what is in it. */
  readonly platform: Platform;
  /** The builder's name and version: `tsbuild 1.2.3`. */
  readonly builder: string;
  /** Keyword in lower case and value of the stage's header; empty when a sandbox is updated. */
  readonly header: readonly (readonly [key: string, value: string])[];
  /** The reference and the digest of the registry's image that the base is, where it is one. */
  readonly base?: { readonly name: string; readonly digest: string } | undefined;
  readonly hasHelp: boolean;
}

const help = "/.singularity.d/runscript.help";

/**
 * The labels that every image gets, as byte strings: Apptainer's (`org.label-schema.…`, whose names programs look for)
 * and OCI's (`org.opencontainers.image.…`, Image Annotations).
 */
export function automaticLabels(
  facts: LabelFacts,
  encoding: TextEncoding,
): Map<ByteString, ByteString> {
  const { platform, base } = facts;
  const labels: (readonly [string, string])[] = [
    ["org.label-schema.schema-version", "1.0"],
    ["org.label-schema.build-date", buildDate(facts.time)],
    ["org.label-schema.build-arch", platform.architecture],
    // The key is the one that `inspect` and its users know; the value says honestly which program it was.
    ["org.label-schema.usage.apptainer.version", facts.builder],
    ["org.opencontainers.image.created", createdDate(facts.time)],
    ["org.opencontainers.image.architecture", platform.architecture],
  ];
  if (platform.variant !== undefined) {
    labels.push(["org.opencontainers.image.variant", platform.variant]);
  }
  if (base !== undefined) {
    labels.push(["org.opencontainers.image.base.name", base.name]);
    labels.push(["org.opencontainers.image.base.digest", base.digest]);
  }
  if (facts.hasHelp) {
    labels.push(["org.label-schema.usage", help]);
    labels.push(["org.label-schema.usage.apptainer.runscript.help", help]);
  }
  // `singularity` stands in these keys with both programs.
  for (const [key, value] of facts.header) {
    labels.push([`org.label-schema.usage.singularity.deffile.${key}`, value]);
  }
  const bytes = (text: string) => Buffer.from(text, encoding).toString("latin1");
  return new Map(labels.map(([key, value]) => [bytes(key), bytes(value)]));
}
