import { UsageError } from "./error.ts";

/** What an image runs on, in the words of OCI and Go. */
export interface Platform {
  readonly os: "linux";
  /** `amd64`, `arm64`, `386`, `arm`, `ppc64le`, `s390x`, `riscv64`, `loong64` … */
  readonly architecture: string;
  /** `v5` to `v8`, where the architecture has variants. */
  readonly variant?: string;
}

const fromNode: Readonly<Record<string, Platform>> = {
  x64: { os: "linux", architecture: "amd64" },
  arm64: { os: "linux", architecture: "arm64", variant: "v8" },
  ia32: { os: "linux", architecture: "386" },
  arm: { os: "linux", architecture: "arm", variant: "v7" },
  ppc64: { os: "linux", architecture: "ppc64le" },
  s390x: { os: "linux", architecture: "s390x" },
  riscv64: { os: "linux", architecture: "riscv64" },
  loong64: { os: "linux", architecture: "loong64" },
};

/**
 * The platform of a machine whose `process.arch` is given.
 * @throws {UsageError} `usage/architecture`
 */
export function platformOf(nodeArch: string): Platform {
  const platform = fromNode[nodeArch];
  if (platform === undefined) {
    throw new UsageError(
      "usage/architecture",
      `this machine's architecture ${nodeArch} is not known`,
      {
        hint: "name the image's architecture with --arch",
      },
    );
  }
  return platform;
}
