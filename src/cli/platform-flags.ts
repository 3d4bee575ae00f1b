import { UsageError } from "../model/error.ts";
import { platformOf, type Platform } from "../model/platform.ts";

/** Architectures that Apptainer takes for `--arch`, in Go's words. */
const architectures = ["amd64", "arm64", "386", "arm", "ppc64le", "s390x", "riscv64", "loong64"];

/**
 * The platform that `--arch` and `--arch-variant` name, or `--platform` as Docker has it; this machine's without them.
 * @throws {UsageError} `usage/architecture`
 */
export function platformFlags(
  arch: string | undefined,
  variant: string | undefined,
  nodeArch: string,
  platform?: string,
): Platform {
  if (platform !== undefined) {
    const [os, architecture = "", ofPlatform, ...rest] = platform.split("/");
    if (
      os !== "linux" ||
      architecture === "" ||
      rest.length > 0 ||
      (arch ?? variant) !== undefined
    ) {
      throw new UsageError("usage/architecture", `--platform ${platform} can't be used`, {
        hint: "write it as linux/ARCHITECTURE or linux/ARCHITECTURE/VARIANT, without --arch and --arch-variant",
      });
    }
    return platformFlags(architecture, ofPlatform, nodeArch);
  }
  if (arch === undefined) {
    const host = platformOf(nodeArch);
    return variant === undefined
      ? host
      : { ...host, variant: normalVariant(host.architecture, variant) };
  }
  if (!architectures.includes(arch)) {
    throw new UsageError("usage/architecture", `--arch ${arch}: no such architecture`, {
      hint: `architectures are ${architectures.join(", ")}`,
    });
  }
  if (variant !== undefined) {
    return { os: "linux", architecture: arch, variant: normalVariant(arch, variant) };
  }
  // Apptainer 1.4 wants the variant spelt out, since there is no usual one.
  if (arch === "arm") {
    throw new UsageError("usage/architecture", "--arch arm needs a variant", {
      hint: "add --arch-variant v7 (or v6, v5)",
    });
  }
  return arch === "arm64"
    ? { os: "linux", architecture: arch, variant: "v8" }
    : { os: "linux", architecture: arch };
}

function normalVariant(arch: string, variant: string): string {
  const known: Readonly<Record<string, readonly string[]>> = {
    arm: ["v5", "v6", "v7"],
    arm64: ["v8"],
  };
  const normal = variant.startsWith("v") ? variant : `v${variant}`;
  const allowed = known[arch];
  if (allowed !== undefined && !allowed.includes(normal)) {
    throw new UsageError(
      "usage/architecture",
      `--arch-variant ${variant}: ${arch} has no such variant`,
      {
        hint: `variants of ${arch} are ${allowed.join(", ")}`,
      },
    );
  }
  return normal;
}
