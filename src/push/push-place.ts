// Where an image is pushed to, as the user names it.

import { UsageError } from "../model/error.ts";
import { parseReference, type Reference } from "../oci/reference.ts";

export type PushScheme = "oras" | "docker" | "library";

const schemes: readonly PushScheme[] = ["oras", "docker", "library"];

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
