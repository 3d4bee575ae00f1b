import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findProgram, programPath } from "../system/find-program.ts";
import { captureProgram } from "../system/run-program.ts";
import {
  driverDevices,
  driverListFiles,
  driverNames,
  parseDriverList,
  type DriverKind,
} from "./driver-lists.ts";

/** A file or device of a driver, and its place for scripts. */
export interface DriverBind {
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
}

export interface DriverOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where devices are; /dev where it is not given. */
  readonly deviceFolder?: string | undefined;
  /** The machine's list in place of the usual file's. */
  readonly listFile?: string | undefined;
}

/** Where scripts and run time look for libraries of the machine. */
const libraryFolder = "/.singularity.d/libs";

/**
 * What scripts are to find of this machine's driver: the libraries that ldconfig(8) lists under the driver's names and that
 * are for this program's architecture, one for each name, its programs, files and devices. As Apptainer does for
 * `build --nv` and `--rocm`.
 */
export async function driverBinds(
  kind: DriverKind,
  options: DriverOptions,
): Promise<readonly DriverBind[]> {
  const names = listedNames(options.listFile ?? driverListFiles[kind]) ?? driverNames[kind];
  const path = programPath(options.environment);
  const libraries = await listedLibraries(path, options.environment);
  const binds = new Map<string, DriverBind>();
  const add = (source: string, destination: string, readOnly: boolean): void => {
    if (!binds.has(destination)) binds.set(destination, { source, destination, readOnly });
  };
  for (const name of names) {
    if (name.startsWith("/")) {
      if (existsSync(name)) add(name, name, true);
    } else if (name.includes(".so")) {
      for (const library of libraries) {
        if (library.name.startsWith(name) && isForUs(library.file)) {
          add(library.file, `${libraryFolder}/${library.name}`, true);
        }
      }
    } else {
      const program = findProgram(name, path);
      if (program !== undefined) add(program, `/usr/bin/${name}`, true);
    }
  }
  const devices = options.deviceFolder ?? "/dev";
  for (const name of readdirSync(devices).filter((name) => driverDevices[kind].test(name))) {
    add(join(devices, name), `/dev/${name}`, false);
  }
  return [...binds.values()];
}

function listedNames(file: string): readonly string[] | undefined {
  try {
    return parseDriverList(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** What `ldconfig -p` prints: `NAME (libc6,x86-64, …) => FILE`, the one that the loader prefers first. */
async function listedLibraries(
  path: string,
  environment: DriverOptions["environment"],
): Promise<readonly { readonly name: string; readonly file: string }[]> {
  const ldconfig = findProgram("ldconfig", path);
  if (ldconfig === undefined) return [];
  const env = { ...environment, LC_ALL: "C" };
  const { stdout } = await captureProgram([ldconfig, "-p"], { timeoutMs: 10_000, env });
  return stdout.split("\n").flatMap((line) => {
    const match = /^\s+(\S+) \(.*\) => (\/.*)$/.exec(line);
    return match === null ? [] : [{ name: match[1] ?? "", file: match[2] ?? "" }];
  });
}

/** Whether a library has this program's class and machine (ELF header, bytes 4, 18 and 19). */
function isForUs(file: string): boolean {
  const [theirs, ours] = [file, process.execPath].map((name) => elfKind(name));
  return theirs !== undefined && theirs === ours;
}

function elfKind(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(20);
    const isElf =
      readSync(descriptor, bytes, 0, 20, 0) === 20 && bytes.readUInt32BE(0) === 0x7f454c46;
    return isElf ? `${bytes[4]}:${bytes.toString("hex", 18, 20)}` : undefined;
  } finally {
    closeSync(descriptor);
  }
}
