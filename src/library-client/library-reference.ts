// Names of images on a library server, as Apptainer and SingularityCE read them.

import { SourceError } from "../model/error.ts";

export interface LibraryReference {
  /** The server, where the name says it. */
  readonly host: string | undefined;
  readonly entity: string;
  readonly collection: string;
  readonly container: string;
  /** At least one; a pull takes the first. `sha256.HEX` names an image by what it is. */
  readonly tags: readonly string[];
}

const part = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/;
const tag = /^[\w][\w.-]{0,127}$/;
const host = /^[A-Za-z0-9.-]+(?::\d{1,5})?$/;

/**
 * Takes `[HOST/][ENTITY/[COLLECTION/]]CONTAINER[:TAG[,TAG]]` apart. One part alone is one of the entity `library`, and the
 * collection where none is named is `default`.
 * @throws {SourceError} `source/bad-reference`
 */
export function parseLibraryReference(text: string): LibraryReference {
  const fail = (why: string) =>
    new SourceError(
      "source/bad-reference",
      `${JSON.stringify(text)} is no name in a library: ${why}`,
      {
        hint: "write it as library://ENTITY/COLLECTION/CONTAINER:TAG, in lower case",
      },
    );
  const path = text.replace(/^(?:library:)?\/{0,2}/, "");
  const slash = path.lastIndexOf("/");
  const colon = path.indexOf(":", slash + 1);
  const name = colon < 0 ? path : path.slice(0, colon);
  const tags = colon < 0 ? ["latest"] : path.slice(colon + 1).split(",");
  for (const one of tags) if (!tag.test(one)) throw fail(`${JSON.stringify(one)} is no tag`);
  const parts = name.split("/");
  const server = parts.length === 4 ? parts.shift() : undefined;
  if (server !== undefined && !host.test(server))
    throw fail(`${JSON.stringify(server)} is no host`);
  if (parts.length > 3) throw fail("it has more than three parts");
  for (const one of parts)
    if (!part.test(one)) throw fail(`${JSON.stringify(one)} is no part of a name`);
  const [container = "", collection = "default", entity = "library"] = parts.toReversed();
  return { host: server, entity, collection, container, tags };
}

/** `ENTITY/COLLECTION/CONTAINER` */
export function containerPath(reference: LibraryReference): string {
  return `${reference.entity}/${reference.collection}/${reference.container}`;
}
