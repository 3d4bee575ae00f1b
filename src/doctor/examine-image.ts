import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "../oci/registry.ts";
import type { Findings } from "./collect.ts";
import type { Environment } from "./examine-registries.ts";

export interface ExamineImageOptions {
  readonly environment: Environment;
  readonly cacheFolder: string | undefined;
  readonly noHttps: boolean;
}

/** Asks the registry of an image for it, as a build that starts from it does, up to its configuration. */
export async function examineImage(
  name: string,
  { environment, cacheFolder, noHttps }: ExamineImageOptions,
  findings: Findings,
): Promise<void> {
  const own =
    cacheFolder === undefined ? await mkdtemp(join(tmpdir(), "tsbuild-doctor-")) : undefined;
  try {
    await findings.attempt("error", async () => {
      await using registry = new Registry({
        cacheFolder: cacheFolder ?? own ?? "",
        env: environment,
        noHttps,
        listener: (event) => {
          if (event.type !== "warning") return;
          const { code, message, hint } = event;
          findings.add({ code, severity: "warning", message, hint });
        },
      });
      await registry.resolve(name.replace(/^docker:\/\//, ""));
    });
  } finally {
    if (own !== undefined) await rm(own, { recursive: true, force: true });
  }
}
