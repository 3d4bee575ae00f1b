// A program that runs scripts in a sandbox and prints what happened as one line of JSON: a test process starts it as
// root or as a plain user, and it enters a namespace where the way needs one, as the real program does.

import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseIsolation } from "../../src/isolation/choose.ts";
import { enterNamespace } from "../../src/isolation/enter.ts";
import { TsbuildError } from "../../src/model/error.ts";
import type { StepUsage } from "../../src/model/event.ts";
import type { Location } from "../../src/model/location.ts";
import type { Script } from "../../src/model/plan.ts";
import type { Limits } from "../../src/sandbox/limits.ts";
import { runHostScript } from "../../src/sandbox/run-host-script.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { Bind } from "../../src/sandbox/script-environment.ts";
import { maskOf } from "../../src/sandbox/secrets.ts";
import { watchSignals } from "../../src/system/signals.ts";
import { TemporaryFolder } from "../../src/system/temporary-folder.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { makeBusyboxRoot } from "./busybox-root.ts";

export interface DriverRequest {
  readonly way: string;
  /** Where temporary folders are made; a new folder where it is not given. */
  readonly folder?: string;
  /** Start as root of a user namespace already. */
  readonly nested?: boolean;
  /** A tar archive for the root file system; busybox where it is not given. */
  readonly archive?: string;
  /** Texts to put into the root first: path → text; a text that starts with `->` is a symlink. */
  readonly files?: Readonly<Record<string, string>>;
  readonly scripts: readonly DriverScript[];
  readonly binds?: readonly Bind[];
  readonly network?: "host" | "none";
  readonly writableTmpfs?: boolean;
  readonly limits?: Limits;
  /** Name → text. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Paths of the tree to tell about. */
  readonly look?: readonly string[];
}

export interface DriverScript {
  readonly section: Script["section"];
  readonly body: string;
  readonly interpreter?: Script["interpreter"];
}

export interface DriverAnswer {
  readonly way: string;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly commands: readonly string[];
  /** `CODE: MESSAGE`. */
  readonly warnings: readonly string[];
  /** What each script took. */
  readonly usages: readonly StepUsage[];
  readonly error?: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly exitCode: number;
    readonly hint: string | undefined;
    readonly location: Location | undefined;
    readonly details: readonly string[];
  };
  /** For each path that was looked for, the node, or null. Extended attributes in hexadecimal. */
  readonly nodes: Readonly<Record<string, DriverNode | null>>;
  /** All paths of the tree after the scripts. */
  readonly paths: readonly string[];
  readonly temporaryFolder: string;
}

export interface DriverNode {
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** The line of a definition on which the first line of a script stands. */
export const firstLine = 101;

if (process.argv[1] === import.meta.filename) await main();

async function main(): Promise<void> {
  const request = JSON.parse(process.argv[2] ?? "{}") as DriverRequest;
  const parent = process.env["TMPDIR"] ?? tmpdir();
  const choice = await chooseIsolation({ name: request.way, folder: parent });
  if (choice.entry !== undefined) {
    process.exitCode = await enterNamespace({
      entry: choice.entry,
      command: [process.execPath, ...process.argv.slice(1)],
      env: process.env,
    });
    return;
  }
  const { isolation } = choice;
  if (isolation === undefined) throw new Error("no isolation");
  using interruption = watchSignals();
  await using temporary = await TemporaryFolder.create(parent);
  await using sandbox = await Sandbox.create({ temporaryFolder: temporary.folder, isolation });
  const stdout: string[] = [];
  const stderr: string[] = [];
  const commands: string[] = [];
  const warnings: string[] = [];
  const usages: StepUsage[] = [];
  let error: DriverAnswer["error"];
  let tree = new FileTree();
  try {
    await sandbox.write(tree);
    fill(sandbox.rootFolder, request, isolation.name !== "single");
    tree = await sandbox.read();
    for (const { section, body, interpreter } of request.scripts) {
      const common = {
        environment: process.env,
        signal: interruption.signal,
        limits: request.limits ?? {},
        mask: maskOf(Object.values(request.secrets ?? {})),
        onWarning: (code: string, message: string) => warnings.push(`${code}: ${message}`),
        onUsage: (usage: StepUsage) => usages.push(usage),
        onCommand: (command: string) => commands.push(command),
        onLine: (stream: "stdout" | "stderr", line: string) => {
          (stream === "stdout" ? stdout : stderr).push(line);
          if (line.startsWith("TELL ")) writeSync(2, `${line.slice(5)}\n`);
        },
      };
      const script: Script = {
        section,
        body,
        interpreter: interpreter ?? { kind: "options", words: [] },
        location: { file: "test.def", line: firstLine - 1, column: 1, length: 5 },
        lines: body.split("\n").map((_, index) => firstLine + index),
      };
      if (section === "pre" || section === "setup") {
        await runHostScript({
          ...common,
          script,
          isolation,
          folder: parent,
          rootFolder: sandbox.rootFolder,
          ledger: sandbox.ledger,
          temporaryFolder: temporary.folder,
        });
      } else {
        await sandbox.run(script, {
          ...common,
          binds: request.binds ?? [],
          network: request.network ?? "host",
          secrets: Object.entries(request.secrets ?? {}).map(([name, text]) => ({
            name,
            value: Buffer.from(text),
          })),
          writableTmpfs: request.writableTmpfs ?? false,
        });
      }
      tree = await sandbox.read();
    }
  } catch (thrown) {
    if (!(thrown instanceof TsbuildError)) throw thrown;
    const { name, code, message, exitCode, hint, location, details } = thrown;
    error = { name, code, message, exitCode, hint, location, details };
    tree = await sandbox.read().catch(() => tree);
  }
  const answer: DriverAnswer = {
    way: isolation.name,
    stdout,
    stderr,
    commands,
    warnings,
    usages,
    ...(error === undefined ? {} : { error }),
    nodes: Object.fromEntries((request.look ?? []).map((path) => [path, nodeAt(tree, path)])),
    paths: [...tree.walk()].map(({ path }) => path),
    temporaryFolder: temporary.folder,
  };
  // A synchronous write gives up when the pipe is full.
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(answer)}\n`, resolve));
}

function fill(root: string, request: DriverRequest, keepsOwners: boolean): void {
  if (request.archive === undefined) makeBusyboxRoot(root);
  else {
    const owners = keepsOwners ? "--same-owner" : "--no-same-owner";
    const { status, stderr } = spawnSync(
      "tar",
      ["--numeric-owner", owners, "-xpf", request.archive, "-C", root],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`tar failed: ${stderr}`);
  }
  for (const [path, text] of Object.entries(request.files ?? {})) {
    const script = text.startsWith("->")
      ? 'mkdir -p "${1%/*}"; ln -sfn "$2" "$1"'
      : 'mkdir -p "${1%/*}"; printf %s "$2" > "$1"; chmod 755 "$1"';
    const value = text.startsWith("->") ? text.slice(2) : text;
    spawnSync("/bin/sh", ["-c", script, "sh", join(root, path), value]);
  }
}

function nodeAt(tree: FileTree, path: string): DriverNode | null {
  const node = tree.get(path);
  if (node === undefined) return null;
  const { type, mode, uid, gid, xattrs } = node;
  return {
    type,
    mode: mode.toString(8),
    uid,
    gid,
    xattrs: Object.fromEntries(
      [...(xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString("hex")]),
    ),
  };
}
