import type { Bind } from "../build/options.ts";
import type { Listener } from "../model/event.ts";
import type { BuildFlags } from "./build-flags.ts";
import type { Environment } from "./settings.ts";

/** What `--nv` and `--rocm` let scripts see of this machine. One that finds nothing is warned of, as in Apptainer. */
export async function driverFlags(
  flags: Pick<BuildFlags, "nv" | "rocm">,
  environment: Environment,
  listener: Listener,
): Promise<readonly Bind[]> {
  const kinds = (["nv", "rocm"] as const).filter((kind) => flags[kind] === true);
  if (kinds.length === 0) return [];
  const { driverBinds } = await import("../isolation/driver-binds.ts");
  const drivers: Bind[] = [];
  for (const kind of kinds) {
    const found = await driverBinds(kind, { environment });
    if (found.length === 0) {
      listener({
        type: "warning",
        code: "host/no-drivers",
        message: `--${kind}: this machine has no such driver, so scripts find none`,
        hint: "ldconfig -p lists the libraries that are looked through",
      });
    }
    drivers.push(...found);
  }
  return drivers;
}
