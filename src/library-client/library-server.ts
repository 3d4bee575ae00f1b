import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SourceError } from "../model/error.ts";
import { isLoopback } from "../oci/dispatchers.ts";
import { statusError } from "../oci/http-errors.ts";
import { readShort, type HttpClient } from "../oci/http.ts";

/** A server, and the user's token for it. */
export interface LibraryServer {
  readonly base: URL;
  readonly token: string | undefined;
}

export interface ServerWishes {
  /** The host in the name of the image. */
  readonly host: string | undefined;
  /** The address in the header of the definition, or of `--library`. */
  readonly address: string | undefined;
  readonly noHttps: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The endpoint that `apptainer remote use` chose. */
interface Remote {
  readonly uri: string;
  readonly token: string | undefined;
}

const prefixes = ["TSBUILD", "APPTAINER", "SINGULARITY"];

/**
 * Which server to ask, in Apptainer's order: the name's own, the header's or the option's, `…_LIBRARY`, then the remote
 * endpoint that the user has chosen with `apptainer remote use`.
 * @throws {SourceError} `source/no-library`; and what asking the endpoint for its library throws
 */
export async function findLibraryServer(
  http: HttpClient,
  wishes: ServerWishes,
): Promise<LibraryServer> {
  const { env } = wishes;
  const remote = await chosenRemote(env);
  const setting = (name: string) =>
    prefixes.map((prefix) => env[`${prefix}_${name}`]).find((value) => value);
  const token = setting("LIBRARY_TOKEN");
  const address = wishes.host ?? wishes.address ?? setting("LIBRARY");
  if (address !== undefined && address !== "") {
    const base = urlOf(address, wishes.noHttps);
    // A token is for the server that gave it.
    const isRemotes = remote !== undefined && urlOf(remote.uri, false).host === base.host;
    return { base, token: token ?? (isRemotes ? remote.token : undefined) };
  }
  if (remote !== undefined) {
    return { base: await libraryOf(http, remote, wishes.noHttps), token: token ?? remote.token };
  }
  throw new SourceError("source/no-library", "there is no library server to ask", {
    hint: "name it: library://HOST/ENTITY/COLLECTION/CONTAINER, a header line Library: https://HOST, the option --library, or the variable TSBUILD_LIBRARY; SingularityCE's own is https://library.sylabs.io",
  });
}

function urlOf(address: string, noHttps: boolean): URL {
  const text = /^https?:\/\//.test(address) ? address : `https://${address}`;
  if (!URL.canParse(text)) {
    throw new SourceError("source/bad-address", `${address} is no address of a server`, {
      hint: "write it as https://HOST",
    });
  }
  const url = new URL(text.endsWith("/") ? text : `${text}/`);
  const isBare = !/^https?:\/\//.test(address);
  if (isBare && (noHttps || isLoopback(url.hostname))) url.protocol = "http:";
  return url;
}

/** Where the services of an endpoint are, its own file says. */
async function libraryOf(http: HttpClient, remote: Remote, noHttps: boolean): Promise<URL> {
  const url = new URL("assets/config/config.prod.json", urlOf(remote.uri, noHttps));
  const request = { url, what: `the services of ${remote.uri}` };
  const response = await http.send(request);
  if (response.status !== 200) throw await statusError(request, response);
  const text = (await readShort(request, response, 1024 * 1024)).toString("utf8");
  const uri = /"libraryAPI"\s*:\s*\{[^}]*"uri"\s*:\s*"([^"]+)"/.exec(text)?.[1];
  if (uri === undefined) {
    throw new SourceError("source/no-library", `${remote.uri} has no library`, {
      hint: "choose another endpoint with apptainer remote use, or name a server with --library",
    });
  }
  return urlOf(uri, noHttps);
}

async function chosenRemote(env: ServerWishes["env"]): Promise<Remote | undefined> {
  const home = env["HOME"] ?? homedir();
  const folders = [
    env["APPTAINER_CONFIGDIR"] || join(home, ".apptainer"),
    env["SINGULARITY_CONFIGDIR"] || join(home, ".singularity"),
  ];
  for (const folder of folders) {
    const text = await readFile(join(folder, "remote.yaml"), "utf8").catch(() => "");
    const found = readRemotes(text);
    if (found !== undefined) return found;
  }
  return undefined;
}

const indentOf = (line: string) => /^\s*/.exec(line)?.[0].length ?? 0;

/** What stands behind the colon, without quotes. */
function value(line: string): string {
  const text = line.slice(line.indexOf(":") + 1).trim();
  return text.replace(/^(["'])(.*)\1$/, "$2");
}

/**
 * The active endpoint of a `remote.yaml` as the programs write it: `Active: NAME`, and below `Remotes:` each name with
 * `URI:` and `Token:`.
 */
export function readRemotes(text: string): Remote | undefined {
  const lines = text.split(/\r?\n/);
  const active = lines.find((line) => line.startsWith("Active:"));
  if (active === undefined || value(active) === "") return undefined;
  const start = lines.findIndex(
    (line) => /^\s+\S/.test(line) && line.trim() === `${value(active)}:`,
  );
  if (start < 0) return undefined;
  const depth = indentOf(lines[start] ?? "");
  const fields = new Map<string, string>();
  for (const line of lines.slice(start + 1)) {
    if (line.trim() === "") continue;
    if (indentOf(line) <= depth) break;
    fields.set(line.trim().split(":")[0] ?? "", value(line));
  }
  const uri = fields.get("URI") ?? "";
  const token = fields.get("Token") ?? "";
  return uri === "" ? undefined : { uri, token: token === "" ? undefined : token };
}
