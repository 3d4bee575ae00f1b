import { open, readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { HostError, UsageError } from "../model/error.ts";

/** What a build starts from, as a definition. */
export interface BuildSpec {
  /** How messages name it. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Where the definition file lies; undefined for a definition that was made here or came through a pipe. */
  readonly folder: string | undefined;
  /** Whether the bytes were made from a URI or the name of an image rather than read: build arguments mean nothing. */
  readonly isGenerated: boolean;
  /** Whether the bytes came from standard input, where they can't be read again. */
  readonly isStandardInput: boolean;
  /** Whether it starts from a sandbox folder, whose owners only its own id map can tell. */
  readonly isFolder: boolean;
}

const uriAgents = new Set([
  "library",
  "shub",
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "http",
  "https",
  "oras",
]);

/**
 * The definition that SPEC names, decided in Apptainer's order: a URI whose first word is an agent; a sandbox folder, SIF
 * or SquashFS file, or (not in Apptainer) a tar archive of a root file system; else a definition file (`-` and `/dev/stdin` read standard input).
 * @throws {UsageError} `usage/spec-not-found`
 * @throws {HostError} `host/not-readable`
 */
export async function readSpec(spec: string, folder: string): Promise<BuildSpec> {
  const uri = fromUri(spec);
  if (uri !== undefined) return generated(spec, uri.agent, uri.from, false);
  if (spec === "-") return readDefinitionFile("/dev/stdin", folder);
  const file = resolve(folder, spec);
  const kind = await kindOf(file, spec);
  if (kind === "definition") return readDefinitionFile(spec, folder);
  return generated(spec, "localimage", spec, kind === "folder");
}

function fromUri(spec: string): { agent: string; from: string } | undefined {
  const colon = spec.indexOf(":");
  const agent = spec.slice(0, Math.max(colon, 0));
  if (!uriAgents.has(agent)) return undefined;
  const slashes = spec.indexOf("://");
  return { agent, from: slashes === -1 ? spec.slice(colon + 1) : spec.slice(slashes + 3) };
}

function generated(file: string, agent: string, from: string, isFolder: boolean): BuildSpec {
  // The text that Apptainer stores for such a build, to the byte.
  const text = `bootstrap: ${agent}\nfrom: ${from}\n\n`;
  return {
    file,
    bytes: Buffer.from(text),
    folder: undefined,
    isGenerated: true,
    isStandardInput: false,
    isFolder,
  };
}

async function readDefinitionFile(name: string, folder: string): Promise<BuildSpec> {
  const file = resolve(folder, name);
  const bytes = await (file === "/dev/stdin" ? readStandardInput() : readFile(file)).catch(
    unreadable(name),
  );
  const isStream = file.startsWith("/dev/") || file.startsWith("/proc/");
  return {
    file: name,
    bytes,
    folder: isStream ? undefined : dirname(file),
    isGenerated: false,
    isStandardInput: file === "/dev/stdin",
    isFolder: false,
  };
}

/** Standard input may be a socket, which can't be opened by a name. */
async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

async function kindOf(file: string, name: string): Promise<"folder" | "image" | "definition"> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError("usage/spec-not-found", `there is no definition file or image ${name}`, {
      hint: "check the name; images in registries are written docker://NAME",
    });
  }
  if (found.isDirectory()) return "folder";
  if (!found.isFile()) return "definition";
  const head = await firstBytes(file, name);
  if (head.includes("SIF_MAGIC") || head.subarray(0, 4).equals(Buffer.from("hsqs"))) return "image";
  // The magic of a tar archive stands at 257; those of gzip, zstd, xz and bzip2 at the start.
  const isTar = head.subarray(257, 262).equals(Buffer.from("ustar"));
  const isCompressed = [
    [0x1f, 0x8b],
    [0x28, 0xb5, 0x2f, 0xfd],
    [0xfd, 0x37, 0x7a, 0x58],
    [0x42, 0x5a, 0x68],
  ].some((start) => head.subarray(0, start.length).equals(Buffer.from(start)));
  return isTar || isCompressed ? "image" : "definition";
}

async function firstBytes(file: string, name: string): Promise<Buffer> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2048), 0, 2048, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    return unreadable(name)(error);
  }
}

/** What a build without an IMAGE operand writes: the spec's last name with another ending, in the working directory. */
export function defaultTarget(spec: string, format: "sif" | "sandbox"): string {
  const uri = fromUri(spec);
  const name =
    (uri?.from ?? spec)
      .replace(/[@:][^/]*$/, "")
      .replace(/\/+$/, "")
      .split("/")
      .at(-1) ?? "";
  const stem = name.replace(/\.(def|recipe|sif|img|sqfs|tar(\.(gz|xz|zst|bz2))?|tgz|txz)$/i, "");
  if (stem === "" || stem === "." || stem === ".." || stem === "-") {
    throw new UsageError("usage/no-target", `no name for the image can be made from ${spec}`, {
      hint: "name it: tsbuild build IMAGE SPEC",
    });
  }
  return format === "sif" ? `${stem}.sif` : stem;
}

/** What to do with the error of a file that can't be read, for `catch`. */
export function unreadable(name: string): (error: unknown) => never {
  return (error) => {
    throw new HostError("host/not-readable", `${name} can't be read`, {
      hint: "check the name, and that you may read the file",
      cause: error,
    });
  };
}
