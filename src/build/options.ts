import type { Isolation } from "../isolation/isolation.ts";
import type { Listener } from "../model/event.ts";
import type { Platform } from "../model/platform.ts";
import type { Limits } from "../sandbox/limits.ts";
import type { LendableTerminal } from "../sandbox/script-terminal.ts";
import type { Mask, Secret } from "../sandbox/secrets.ts";
import type { RegistryAccess } from "../source/source.ts";
import type { CompressorChoice } from "../squashfs/compression.ts";

export type { Limits } from "../sandbox/limits.ts";
export type { LendableTerminal } from "../sandbox/script-terminal.ts";
export { maskOf, type Mask, type Secret } from "../sandbox/secrets.ts";

/** A folder or file of the host that scripts see inside (`--bind`). */
export interface Bind {
  readonly source: string;
  /** Absolute, inside the root file system. */
  readonly destination: string;
  readonly readOnly: boolean;
}

/** How a plan is to be run: all that is not said by the definition. */
export interface BuildOptions {
  /** The SIF file or sandbox folder to make, absolute. */
  readonly target: string;
  /** The target as the user named it, for messages; `target` without it. */
  readonly targetName?: string;
  readonly format: "sif" | "sandbox";
  /** Replace a target that exists; let the definition's labels and help win over the base image's. */
  readonly force: boolean;
  /** The working directory: relative paths in headers and `%files` start here. */
  readonly folder: string;
  /** The folder of the definition file, where `%files` sources are looked for second. */
  readonly definitionFolder: string | undefined;
  readonly platform: Platform;
  readonly noHttps: boolean;
  /** How else registries are spoken to: logins, certificates, whether at all. */
  readonly access?: RegistryAccess | undefined;
  /** Where blobs are kept between builds; undefined with `--disable-cache`. */
  readonly cacheFolder: string | undefined;
  /** Where temporary folders are made. */
  readonly temporaryParent: string;
  /** Leave the temporary folders behind for a look at them. */
  readonly keepTemporary: boolean;
  /** Let scripts work on a copy of the base, and never on an overlay over one that is kept unpacked. */
  readonly copyBase?: boolean;
  readonly fixPermissions: boolean;
  /** The time of everything that the build makes: given (SOURCE_DATE_EPOCH, --timestamp) or the current time. */
  readonly time: { readonly seconds: number; readonly isFixed: boolean };
  readonly compression: CompressorChoice;
  readonly blockSizeBytes: number | undefined;
  /** Read the finished image back before it takes its place. */
  readonly verify: boolean;
  readonly workers: number | undefined;
  /** What scripts are run with; needed only where the plan has any. */
  readonly isolation: Isolation | undefined;
  readonly binds: readonly Bind[];
  /** The machine's graphics driver, for scripts alone (`--nv`, `--rocm`). */
  readonly drivers: readonly Bind[];
  readonly writableTmpfs: boolean;
  readonly network: "host" | "none";
  /** Lent to `%post` and `%test`; without, they have none. */
  readonly terminal?: LendableTerminal | undefined;
  /** What each script may take. */
  readonly limits?: Limits;
  /** Files that `%post` and `%test` find below /run/secrets. */
  readonly secrets?: readonly Secret[];
  /** Takes out of what is told what nobody may see: those, and secret build arguments. */
  readonly mask?: Mask;
  /** The environment of whoever builds. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the image's labels say made it. */
  readonly version: string;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}
