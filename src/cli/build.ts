import { dirname, resolve } from "node:path";
import {
  maskOf,
  type Bind,
  type BuildOptions,
  type LendableTerminal,
  type Mask,
  type Secret,
} from "../build/options.ts";
import { checkTarget } from "../build/check-target.ts";
import { suggest } from "../definition/suggest.ts";
import { InterruptedError, UsageError } from "../model/error.ts";
import type { Isolation } from "../isolation/isolation.ts";
import type { Listener } from "../model/event.ts";
import type { RegistryAccess } from "../source/source.ts";
import { parseCompression } from "../squashfs/compression.ts";
import { requireProc } from "../system/require-proc.ts";
import { watchSignals } from "../system/signals.ts";
import { accessOf } from "./access-flags.ts";
import { bindFlags } from "./bind-flags.ts";
import type { BuildFlags } from "./build-flags.ts";
import { cacheFolder } from "./cache-folder.ts";
import { commandNames } from "./command-names.ts";
import { compressionFlags } from "./compression-flags.ts";
import { driverFlags } from "./driver-flags.ts";
import { enterIfNeeded } from "./enter-if-needed.ts";
import { terminalToLend } from "./lend-terminal.ts";
import { limitsOf } from "./limit-flags.ts";
import { loadPlan, type LoadedPlan } from "./load-plan.ts";
import { makeListener } from "./make-listener.ts";
import { platformFlags } from "./platform-flags.ts";
import { defaultTarget } from "./read-spec.ts";
import { readSecrets } from "./secret-flags.ts";
import { buildTime, setting, switchSetting, temporaryParent } from "./settings.ts";
import type { CommandTerminal, GlobalFlags } from "./terminal.ts";
import { ownVersion } from "./version.ts";

/** How long a build that started itself again is waited for when it was to stop at once. */
const mostTidyingMs = 10_000;

/** `tsbuild build [options] [IMAGE] SPEC`: makes an image. Gives the exit code. */
export async function buildCommand(
  operands: readonly string[],
  given: BuildFlags & GlobalFlags,
  terminal: CommandTerminal,
): Promise<number> {
  requireProc();
  const flags = withSettings(given, terminal);
  refuseUnsupported(flags);
  const { folder } = terminal;
  const { name, spec } = targetAndSpec(operands, flags);
  const target = resolve(folder, name);
  const update = flags.update === true && flags.force !== true;
  if (flags.update === true && flags.sandbox !== true) {
    throw new UsageError(
      "usage/update",
      "--update works on sandboxes, and --sandbox is not given",
      {
        hint: "add --sandbox and name the sandbox as IMAGE",
      },
    );
  }

  const lent = terminalToLend(flags);
  // The terminal can't show a script and a live view at once.
  using view = makeListener(lent === undefined ? flags : { ...flags, progress: "plain" }, terminal);
  let isWaiting = false;
  using interruption = watchSignals({
    // By the view, which knows what is on the terminal, or that a program reads along. A build that started itself again
    // gets the signal as well, and tells then.
    onFirst: () => {
      if (!isWaiting)
        view.listener({ type: "note", message: "Stopping; once more to stop at once" });
    },
    // It gets the second one too and takes away what it made: we are not gone before it is.
    onSecond: (name) => {
      const end = () => process.exit(new InterruptedError(name).exitCode);
      if (isWaiting) setTimeout(end, mostTidyingMs).unref();
      else end();
    },
  });
  const platform = platformFlags(flags.arch, flags.archVariant, process.arch, flags.platform);
  const secrets = await readSecrets("--secret", flags.secret, terminal);
  const secretArguments = await readSecrets("--build-arg-secret", flags.buildArgSecret, terminal);
  const loaded = await loadPlan(spec, flags, {
    folder,
    platform,
    secretArguments,
    ...(update ? { update: target } : {}),
  });
  await checkTarget({ target, force: flags.force === true, update });

  isWaiting = true;
  const entered = await enterIfNeeded(loaded, {
    format: flags.sandbox === true ? "sandbox" : "sif",
    isolation: flags.isolation,
    targetFolder: dirname(target),
    temporaryParent: temporaryParent(flags.tmpdir, terminal.environment),
    environment: terminal.environment,
    words: terminal.words,
    listener: view.listener,
  });
  isWaiting = false;
  if ("exitCode" in entered) return entered.exitCode;

  tellWarnings(loaded, view.listener);
  const { runPlan } = await import("../build/run-plan.ts");
  await runPlan(
    loaded.plan,
    buildOptions(flags, terminal, {
      target,
      targetName: name,
      loaded,
      isolation: entered.isolation,
      drivers: await driverFlags(flags, terminal.environment, view.listener),
      access: await accessOf(flags, terminal.environment, folder),
      lent,
      secrets,
      mask: maskOf([...secrets, ...secretArguments].map(({ value }) => value)),
      listener: view.listener,
      signal: interruption.signal,
    }),
  );
  return 0;
}

/** Flags win over variables. */
function withSettings(
  flags: BuildFlags & GlobalFlags,
  terminal: CommandTerminal,
): BuildFlags & GlobalFlags {
  const { environment } = terminal;
  const isOn = (flag: boolean | undefined, name: string) =>
    flag ?? switchSetting(environment, name);
  const list = (given: string[], name: string) =>
    given.length > 0 ? given : [setting(environment, name)].filter((value) => value !== undefined);
  const arch = flags.arch ?? setting(environment, "BUILD_ARCH");
  const variant = flags.archVariant ?? setting(environment, "BUILD_ARCH_VARIANT");
  const squashfs = flags.mksquashfsArgs ?? setting(environment, "MKSQUASHFS_ARGS");
  return {
    ...flags,
    sandbox: isOn(flags.sandbox, "SANDBOX"),
    force: isOn(flags.force, "FORCE"),
    update: isOn(flags.update, "UPDATE"),
    notest: isOn(flags.notest, "NOTEST"),
    section: list(flags.section, "SECTION"),
    bind: list(flags.bind, "BIND"),
    writableTmpfs: isOn(flags.writableTmpfs, "WRITABLE_TMPFS"),
    copyBase: isOn(flags.copyBase, "COPY_BASE"),
    nv: isOn(flags.nv, "NV"),
    rocm: isOn(flags.rocm, "ROCM"),
    fixPerms: isOn(flags.fixPerms, "FIXPERMS"),
    disableCache: isOn(flags.disableCache, "DISABLE_CACHE"),
    cleanup: flags.cleanup && !switchSetting(environment, "NO_CLEANUP"),
    ...(arch === undefined ? {} : { arch }),
    ...(variant === undefined ? {} : { archVariant: variant }),
    ...(squashfs === undefined ? {} : { mksquashfsArgs: squashfs }),
  };
}

/** What Apptainer can and we can't is refused: an option that is silently ignored would be a lie about the image. */
function refuseUnsupported(flags: BuildFlags): void {
  const refused: readonly [unknown, string, string][] = [
    [
      flags.encrypt,
      "--encrypt",
      "build without it and encrypt with apptainer build --encrypt NEW.sif OLD.sif",
    ],
    [flags.passphrase, "--passphrase", "build without it and encrypt with apptainer"],
    [flags.pemPath, "--pem-path", "build without it and encrypt with apptainer"],
    [flags.remote, "--remote", "Apptainer no longer has it either; build on this machine"],
  ];
  for (const [value, name, hint] of refused) {
    if (value !== undefined) {
      throw new UsageError("usage/not-supported", `${name} is not supported`, { hint });
    }
  }
}

function targetAndSpec(
  operands: readonly string[],
  flags: BuildFlags,
): { readonly name: string; readonly spec: string } {
  const [first, second, ...more] = operands;
  if (first === undefined || more.length > 0) {
    // A misspelt command is taken for the first operand of the build that stands without its name.
    const command = first === undefined ? undefined : suggest(first, commandNames);
    throw new UsageError(
      "usage/operands",
      `build takes IMAGE and SPEC, not ${operands.length} operands`,
      {
        hint:
          command === undefined || first === command
            ? "tsbuild build app.sif app.def"
            : `did you mean tsbuild ${command}? A build is tsbuild build app.sif app.def`,
      },
    );
  }
  if (second !== undefined) return { name: first, spec: second };
  return { name: defaultTarget(first, flags.sandbox === true ? "sandbox" : "sif"), spec: first };
}

function buildOptions(
  flags: BuildFlags,
  { environment, folder }: CommandTerminal,
  known: {
    readonly target: string;
    readonly targetName: string;
    readonly loaded: LoadedPlan;
    readonly isolation: Isolation | undefined;
    readonly drivers: readonly Bind[];
    readonly access: RegistryAccess;
    readonly lent: LendableTerminal | undefined;
    readonly secrets: readonly Secret[];
    readonly mask: Mask;
    readonly listener: Listener;
    readonly signal: AbortSignal;
  },
): BuildOptions {
  const {
    target,
    targetName,
    loaded,
    isolation,
    drivers,
    access,
    lent,
    secrets,
    mask,
    listener,
    signal,
  } = known;
  const compression = compressionFlags(flags);
  for (const word of compression.ignored) {
    listener({
      type: "warning",
      code: "usage/mksquashfs-args",
      message: `--mksquashfs-args: ${word} means nothing here, since tsbuild writes SquashFS itself`,
    });
  }
  return {
    target,
    targetName,
    format: flags.sandbox === true ? "sandbox" : "sif",
    force: flags.force === true,
    folder,
    definitionFolder: loaded.spec.folder,
    platform: loaded.plan.platform,
    noHttps: access.noHttps === true,
    access,
    cacheFolder: flags.disableCache === true ? undefined : cacheFolder(environment),
    temporaryParent: temporaryParent(flags.tmpdir, environment),
    keepTemporary: !flags.cleanup,
    copyBase: flags.copyBase === true,
    fixPermissions: flags.fixPerms === true,
    time: buildTime(flags.timestamp, environment),
    compression: parseCompression(compression.compression),
    blockSizeBytes: compression.blockSizeBytes,
    verify: flags.verify,
    workers: flags.jobs,
    isolation,
    binds: bindFlags(flags.bind, flags.mount, folder),
    drivers,
    writableTmpfs: flags.writableTmpfs === true,
    network: access.isOffline === true ? "none" : flags.network,
    limits: limitsOf(flags),
    terminal: lent,
    secrets,
    mask,
    environment,
    version: ownVersion(),
    listener,
    signal,
  };
}

function tellWarnings({ warnings }: LoadedPlan, listener: Listener): void {
  for (const { code, message, location, hint } of warnings) {
    listener({ type: "warning", code, message, location, hint });
  }
}
