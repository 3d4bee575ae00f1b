// The options of `tsbuild build`: Apptainer's names and letters first, then our own.

import { InvalidArgumentError, Option, type Command } from "commander";
import { addAccessFlags, type AccessFlags } from "./access-flags.ts";
import { parseBlockSize } from "./compression-flags.ts";
import { addLimitFlags, type LimitFlags } from "./limit-flags.ts";

export interface BuildFlags extends AccessFlags, LimitFlags {
  readonly sandbox?: boolean;
  readonly force?: boolean;
  readonly update?: boolean;
  readonly section: string[];
  readonly notest?: boolean;
  readonly buildArg: string[];
  readonly buildArgFile: string[];
  readonly buildArgSecret: string[];
  readonly secret: string[];
  readonly warnUnusedBuildArgs?: boolean;
  readonly bind: string[];
  readonly mount: string[];
  readonly writableTmpfs?: boolean;
  readonly copyBase?: boolean;
  readonly fakeroot?: boolean;
  readonly userns?: boolean;
  readonly fixPerms?: boolean;
  readonly arch?: string;
  readonly archVariant?: string;
  readonly mksquashfsArgs?: string;
  readonly encrypt?: boolean;
  readonly passphrase?: boolean;
  readonly pemPath?: string;
  readonly platform?: string;
  readonly cleanup: boolean;
  readonly json?: boolean;
  readonly remote?: boolean;
  readonly nv?: boolean;
  readonly rocm?: boolean;
  readonly tmpdir?: string;
  readonly compress?: string;
  readonly blockSize?: number;
  readonly verify: boolean;
  readonly jobs?: number;
  readonly timestamp?: string;
  readonly isolation?: string;
  readonly network: "host" | "none";
  readonly terminal?: boolean;
  readonly progress?: "plain" | "tty" | "json";
}

const collect = (value: string, before: string[]) => [...before, value];

function positive(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError("It is no whole number above 0.");
  return number;
}

function blockSize(value: string): number {
  const bytes = parseBlockSize(value);
  if (bytes === undefined) throw new InvalidArgumentError("It is no power of two from 4K to 1M.");
  return bytes;
}

/** Gives a command the options of a build. */
export function addBuildFlags(command: Command): Command {
  command
    .optionsGroup("Target:")
    .option("-s, --sandbox", "make a folder that can be changed, not a SIF file")
    .option(
      "-F, --force",
      "replace a target that exists; let the definition's labels and help win over the base's",
    )
    .option(
      "-u, --update",
      "run the definition on the sandbox IMAGE that exists; its Bootstrap is not used (with --sandbox)",
    )
    .optionsGroup("Definition:")
    .option("--build-arg <name=value>", "a value for {{ name }}; may be given again", collect, [])
    .option("--build-arg-file <file>", "a file with a name=value on each line", collect, [])
    .option(
      "--build-arg-secret <id=name,src=file|env=var>",
      "a value that only %pre, %setup and %post get to see; masked everywhere else",
      collect,
      [],
    )
    .option(
      "--warn-unused-build-args",
      "only warn of build arguments that the definition does not use",
    )
    .option(
      "--section <names>",
      "only these sections take effect (all, none, or a list)",
      collect,
      [],
    )
    .option("-T, --notest", "write %test into the image but don't run it")
    .optionsGroup("Base image:")
    .option("--arch <name>", "the image's architecture, in Go's words (amd64, arm64, …)")
    .option("--arch-variant <name>", "its variant (v7, v8, …)")
    .option("--platform <platform>", "both, as linux/arm64/v8")
    .option("--fix-perms", "give the owner read and write rights on everything in the base image")
    .optionsGroup("Scripts:")
    .option(
      "-B, --bind <src[:dst[:ro]]>",
      "a folder or file of this machine that scripts see; a comma-separated list",
      collect,
      [],
    )
    .option("--mount <spec>", "the same, as type=bind,source=…,destination=…[,ro]", collect, [])
    .option(
      "--nv",
      "let scripts use this machine's NVIDIA driver; nothing of it stays in the image",
    )
    .option("--rocm", "the same for AMD's")
    .option(
      "--copy-base",
      "let scripts work on a copy of the base, not on an overlay over one that the cache keeps unpacked",
    )
    .option("--writable-tmpfs", "let %test write; what it writes is thrown away")
    .option(
      "--isolation <name>",
      "the way to run scripts as root: root, subid, ident, single, bwrap, chroot, proot (default: the strongest that works here)",
    )
    .option(
      "--secret <id=name,src=file|env=var>",
      "a file /run/secrets/NAME that only %post and %test can read",
      collect,
      [],
    )
    .addOption(
      new Option("--network <name>", "what scripts see of the network")
        .choices(["host", "none"])
        .default("host"),
    )
    .option(
      "--terminal",
      "lend this terminal to %post and %test, to debug them by hand; without, they read nothing",
    )
    .option(
      "-f, --fakeroot",
      "accepted; a plain user's build always runs its scripts as root of a namespace",
    )
    .option("--userns", "accepted, for the same reason");
  addLimitFlags(command);
  addAccessFlags(command);
  return command
    .optionsGroup("Packing:")
    .option("--compress <how>", "fast, balanced, small, none, gzip[:LEVEL] or zstd[:LEVEL]")
    .option("--block-size <bytes>", "SquashFS block size, 4K to 1M", blockSize)
    .option("-j, --jobs <number>", "how many cores to use at most", positive)
    .option(
      "--timestamp <time>",
      "the time of all that the build makes, so that the same inputs give the same bytes",
    )
    .option("--no-verify", "don't read the finished image back")
    .option(
      "--mksquashfs-args <text>",
      "the compression is taken from them (-comp, -Xcompression-level, -b)",
    )
    .optionsGroup("Output:")
    .addOption(
      new Option("--progress <form>", "how to tell what happens").choices(["plain", "tty", "json"]),
    )
    .option("--tmpdir <folder>", "where temporary folders are made")
    .option("--no-cleanup", "keep the temporary folders")
    .addOption(new Option("--json", "accepted as in Apptainer, where it does nothing").hideHelp())
    .addOption(new Option("-e, --encrypt").hideHelp())
    .addOption(new Option("--passphrase").hideHelp())
    .addOption(new Option("--pem-path <file>").hideHelp())
    .addOption(new Option("--remote").hideHelp());
}
