import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../isolation/isolation.ts";
import { resolveInRoot } from "./resolve-in-root.ts";
import { secretsFolder } from "./secrets.ts";
import type { RunScriptOptions } from "./run-script.ts";

const lineFeed = Buffer.from("\n");

type MountOptions = Pick<
  RunScriptOptions,
  "binds" | "drivers" | "isolation" | "network" | "rootFolder" | "secrets"
>;

/** What every script gets, and what the user wants to have there instead or besides. */
export function standardMounts(options: MountOptions, workFolder: string): Mount[] {
  const { network, binds } = options;
  const copy = (name: string): string => {
    const file = join(workFolder, name);
    const isOffline = name === "resolv.conf" && network === "none";
    writeFileSync(file, isOffline ? "" : Buffer.concat([readOrNothing(`/etc/${name}`), lineFeed]));
    chmodSync(file, 0o644);
    return file;
  };
  const folder = (name: string): string => {
    const path = join(workFolder, name);
    mkdirSync(path);
    chmodSync(path, 0o1777);
    return path;
  };
  const own: Mount[] = [
    { kind: "bind", source: folder("tmp"), target: "/tmp", readOnly: false },
    { kind: "bind", source: folder("var-tmp"), target: "/var/tmp", readOnly: false },
    { kind: "bind", source: copy("resolv.conf"), target: "/etc/resolv.conf", readOnly: false },
    { kind: "bind", source: copy("hosts"), target: "/etc/hosts", readOnly: false },
  ];
  const wanted = new Set(binds.map(({ destination }) => destination));
  return [
    { kind: "proc" },
    { kind: "sys" },
    { kind: "dev" },
    ...own.filter((mount) => mount.kind === "bind" && !wanted.has(mount.target)),
    ...aptSettings(options, workFolder),
    ...[...(options.drivers ?? []), ...binds].map(({ source, destination, readOnly }) => ({
      kind: "bind" as const,
      source,
      target: destination,
      readOnly,
    })),
    ...(options.secrets.length === 0
      ? []
      : [{ kind: "tmpfs" as const, target: secretsFolder, mode: 0o755 }]),
  ];
}

/** By a file: a variable would not reach an apt behind sudo. */
function aptSettings({ isolation, rootFolder }: MountOptions, workFolder: string): Mount[] {
  const lines = isolation.aptSettings ?? [];
  if (lines.length === 0 || !resolveInRoot(rootFolder, "/etc/apt/apt.conf.d").exists) return [];
  const source = join(workFolder, "apt.conf");
  writeFileSync(source, lines.map((line) => `${line}\n`).join(""));
  chmodSync(source, 0o644);
  return [{ kind: "bind", source, target: "/etc/apt/apt.conf.d/zzz-tsbuild", readOnly: true }];
}

/** A machine without one of these files has nothing to say there. */
function readOrNothing(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
