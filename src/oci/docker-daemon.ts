// Images that a Docker daemon (or Podman's service, which speaks the same) holds on this machine: one request of the
// Docker Engine API, `GET /images/NAME/get`, answers what `docker save` writes.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SourceError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import { networkCode } from "./http-errors.ts";
import { ByteProgress } from "./progress.ts";
import { parseReference } from "./reference.ts";
import { writeTemporaryFile } from "./temporary-file.ts";

export interface DaemonOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly temporaryFolder: string;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/** Old daemons gather all of an image before they answer. */
const answerMs = 30 * 60_000;
const stallMs = 5 * 60_000;

/**
 * Where to look for a daemon: `DOCKER_HOST`, `CONTAINER_HOST` as Podman calls it, else the first of Docker's and Podman's
 * usual sockets that is there.
 */
export function daemonHost(
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  const named = env["DOCKER_HOST"] || env["CONTAINER_HOST"];
  if (named) return named;
  const runtime = env["XDG_RUNTIME_DIR"];
  const sockets = [
    "/var/run/docker.sock",
    ...(runtime ? [`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`] : []),
    "/run/podman/podman.sock",
  ];
  const found = sockets.find(exists);
  return found && `unix://${found}`;
}

/** Where the daemon listens, from what names it. @throws {SourceError} `source/docker-host` */
export function daemonAddress(
  host: string | undefined,
  isTls: boolean,
): { readonly socketPath?: string; readonly origin: string } {
  const text = host === undefined || host === "" ? "unix:///var/run/docker.sock" : host;
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? [];
  if (scheme === "unix" && rest.startsWith("/")) {
    return { socketPath: rest, origin: "http://localhost" };
  }
  if (scheme === "tcp" || scheme === "http" || scheme === "https") {
    const origin = `${isTls || scheme === "https" ? "https" : "http"}://${rest}`;
    if (URL.canParse(origin)) return { origin: new URL(origin).origin };
  }
  throw new SourceError("source/docker-host", `DOCKER_HOST is ${JSON.stringify(text)}`, {
    hint:
      scheme === "ssh"
        ? "ssh can't be used here: forward the socket with ssh -L, and name it as unix:///path"
        : "write unix:///path/to/docker.sock or tcp://host:port",
  });
}

/** The name to ask for: a daemon would save all tags of a name that has none. */
export function daemonImageName(from: string): string {
  if (/^(?:sha256:)?[0-9a-f]{12,64}$/.test(from)) return from;
  const { tag, digest } = parseReference(from);
  return tag === "latest" && digest === undefined && !from.endsWith(":latest")
    ? `${from}:latest`
    : from;
}

/**
 * Saves an image of the daemon as a docker-archive in the temporary folder and gives its path.
 * @param from `name[:tag]` or an image's id
 * @throws {SourceError} `source/docker-host`, `source/no-daemon`, `source/not-found`, `source/bad-reference`
 */
export async function saveFromDaemon(from: string, options: DaemonOptions): Promise<string> {
  const env = options.env ?? process.env;
  const name = daemonImageName(from);
  const isTls = (env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const { socketPath, origin } = daemonAddress(daemonHost(env), isTls);
  const where = socketPath ?? origin;
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({
    allowH2: false,
    connect: {
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(isTls ? await certificates(env["DOCKER_CERT_PATH"]) : {}),
    },
  });
  try {
    const { statusCode, body } = await request(
      `${origin}/images/${encodeURIComponent(name).replaceAll("%2F", "/")}/get`,
      { dispatcher, signal: options.signal, headersTimeout: answerMs, bodyTimeout: stallMs },
    );
    if (statusCode !== 200) {
      const said = (await body.text()).replaceAll(/[\s\p{C}]+/gu, " ").slice(0, 200);
      throw statusCode === 404
        ? new SourceError(
            "source/not-found",
            `the Docker daemon at ${where} doesn't have ${name}`,
            {
              hint: "docker images lists what it has; for an image in a registry use Bootstrap: docker",
            },
          )
        : new SourceError(
            "source/no-daemon",
            `the Docker daemon at ${where} failed at ${name} (status ${statusCode}): ${said}`,
            { hint: "see the daemon's log" },
          );
    }
    const progress = new ByteProgress(options.listener, `save ${name}`, undefined);
    const chunks = async function* () {
      let done = 0;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        done += chunk.length;
        progress.at(done);
        yield chunk;
      }
    };
    return await writeTemporaryFile(options.temporaryFolder, chunks(), name);
  } catch (error) {
    options.signal.throwIfAborted();
    if (networkCode(error) === undefined || error instanceof SourceError) throw error;
    throw noDaemon(where, name, error);
  } finally {
    await dispatcher.destroy();
  }
}

async function certificates(
  folder: string | undefined,
): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  const from = folder ?? join(homedir(), ".docker");
  try {
    const [ca, cert, key] = await Promise.all(
      ["ca.pem", "cert.pem", "key.pem"].map((name) => readFile(join(from, name))),
    );
    return { ca, cert, key } as { ca: Buffer; cert: Buffer; key: Buffer };
  } catch (cause) {
    throw new SourceError(
      "source/docker-host",
      `the certificates for the Docker daemon can't be read: ${(cause as Error).message}`,
      { cause, hint: "DOCKER_CERT_PATH names the folder with ca.pem, cert.pem and key.pem" },
    );
  }
}

function noDaemon(where: string, name: string, cause: unknown): SourceError {
  const code = networkCode(cause);
  const hint =
    code === "EACCES"
      ? "you may not use it: join the group docker, or save the image with docker save and use Bootstrap: docker-archive"
      : "is it running? DOCKER_HOST says where it listens; podman needs podman system service";
  return new SourceError(
    "source/no-daemon",
    `cannot get ${name} from the Docker daemon at ${where}: ${(cause as Error).message || code}`,
    { cause, hint },
  );
}
