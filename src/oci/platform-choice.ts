// Which image of several is for a platform. Rules of variants: OCI image specification (image-index.md) and the way
// containerd orders them: arm64 without a variant is v8, arm is v7, and a processor runs what older ones do.

import { SourceError } from "../model/error.ts";
import type { Platform } from "../model/platform.ts";
import type { IndexEntry } from "./manifest.ts";

/** The platform as an image states it, in the words of OCI. */
export interface StatedPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** `linux/arm/v7`. */
export function formatPlatform(platform: StatedPlatform): string {
  const variant = platform.variant === undefined ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/**
 * How well an image suits a platform: lower is better, undefined is not at all. An image that doesn't state its
 * platform suits as a last resort.
 */
export function platformRank(
  stated: StatedPlatform | undefined,
  wanted: Platform,
): number | undefined {
  if (stated === undefined) return 1000;
  if (stated.os !== wanted.os || normalArchitecture(stated.architecture) !== wanted.architecture) {
    return undefined;
  }
  const has = variantLevel(wanted.architecture, stated.variant);
  const want = variantLevel(wanted.architecture, wanted.variant);
  // A variant that we know nothing about: only if it is exactly what was asked for.
  if (has === undefined || want === undefined) {
    return stated.variant === wanted.variant ? 0 : undefined;
  }
  return has > want ? undefined : want - has;
}

/**
 * The entry of an index that suits the platform best; the first of equals.
 * @throws {SourceError} `source/no-platform` naming what there is
 */
export function choosePlatform(
  entries: readonly IndexEntry[],
  wanted: Platform,
  image: string,
): IndexEntry {
  let best: IndexEntry | undefined;
  let bestRank = Infinity;
  for (const entry of entries) {
    const rank = platformRank(entry.platform, wanted);
    if (rank !== undefined && rank < bestRank) {
      best = entry;
      bestRank = rank;
    }
  }
  if (best !== undefined) return best;
  const offered = [
    ...new Set(
      entries.flatMap((entry) =>
        entry.platform === undefined || entry.platform.os === "unknown"
          ? []
          : [formatPlatform(entry.platform)],
      ),
    ),
  ];
  throw new SourceError(
    "source/no-platform",
    `${image} holds no image for ${formatPlatform(wanted)}`,
    {
      hint:
        offered.length === 0
          ? "the image names no platform at all; choose another tag"
          : `it is there for ${offered.join(", ")}: choose one of these with --arch, or another tag`,
    },
  );
}

const otherNames: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  i386: "386",
  armhf: "arm",
};

function normalArchitecture(architecture: string): string {
  return otherNames[architecture] ?? architecture;
}

/** The variant as a number that grows with what a processor can do; undefined for one that isn't known. */
function variantLevel(architecture: string, variant: string | undefined): number | undefined {
  const standard = { arm64: "8", arm: "7", amd64: "1" }[architecture];
  if (standard === undefined) return variant === undefined || variant === "" ? 0 : undefined;
  const text = variant === undefined || variant === "" ? standard : variant.replace(/^v/, "");
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}
