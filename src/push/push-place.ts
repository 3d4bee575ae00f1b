// Where an image is pushed to, and the connections for it.

import { SourceError, UsageError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import { systemCredentials } from "../oci/credentials.ts";
import { Dispatchers } from "../oci/dispatchers.ts";
import { formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { endpointsOf } from "../oci/registries-conf.ts";
import { RegistryWriter } from "../oci/registry-writer.ts";

export type PushScheme = "oras" | "docker";

const schemes: readonly PushScheme[] = ["oras", "docker"];

export interface PushPlace {
  readonly scheme: PushScheme;
  /** What stands behind `SCHEME://`. */
  readonly name: string;
}

/**
 * The target of a push, `oras://HOST/REPO:TAG` say.
 * @throws {UsageError} `usage/push-target`
 */
export function parsePushTarget(text: string): PushPlace {
  const [, word = "", name = ""] = /^([a-z-]+):(?:\/\/)?(.*)$/s.exec(text) ?? [];
  const scheme = schemes.find((known) => known === word);
  if (scheme !== undefined && name !== "") return { scheme, name };
  const known = schemes.map((one) => `${one}://`);
  const what = JSON.stringify(text);
  throw new UsageError(
    "usage/push-target",
    scheme === undefined
      ? `${what} is no place to push to: it starts with none of ${known.join(", ")}`
      : `${what} names no image`,
    {
      hint: "oras://HOST/REPO:TAG takes the SIF file as it is, docker://HOST/REPO:TAG its files as a layer for Docker and Podman",
    },
  );
}

/**
 * The name of an image in a registry, to be written under: a tag, not a digest.
 * @throws {SourceError} `source/bad-reference`
 * @throws {UsageError} `usage/push-target` for a name with a digest
 */
export function pushReference(name: string): Reference & { readonly tag: string } {
  const reference = parseReference(name);
  const { tag = "latest", digest } = reference;
  if (digest !== undefined) {
    throw new UsageError(
      "usage/push-target",
      `${name} names a digest, and that is what a push makes`,
      {
        hint: "name a tag: it is printed with the digest that it gets",
      },
    );
  }
  return { ...reference, tag };
}

export interface WriterContext {
  readonly noHttps: boolean;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/**
 * Does something with a repository that is written to, with the user's logins; the connections last as long as the work.
 * Mirrors are for reading: of what registries.conf says, the registry's own place is taken.
 * @throws {SourceError} `source/blocked`; and what the work throws
 */
export async function withWriter<Result>(
  reference: Reference,
  { noHttps, listener, signal }: WriterContext,
  work: (writer: RegistryWriter) => Promise<Result>,
): Promise<Result> {
  const warn = (code: string) => (message: string) => listener({ type: "warning", code, message });
  const endpoints = await endpointsOf(reference, {
    onProblem: warn("source/bad-registries-conf"),
  });
  const endpoint = endpoints.at(-1);
  if (endpoint === undefined) {
    throw new SourceError("source/blocked", `there is no place for ${formatReference(reference)}`);
  }
  const dispatchers = new Dispatchers();
  try {
    const writer = new RegistryWriter(endpoint, {
      dispatchers,
      credentials: systemCredentials({ onProblem: warn("source/bad-login-store") }),
      noHttps,
      isInsecure: endpoint.isInsecure,
      signal,
      onRetry: (message) => listener({ type: "note", message }),
    });
    return await work(writer);
  } finally {
    await dispatchers.close();
  }
}
