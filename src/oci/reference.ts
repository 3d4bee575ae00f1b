// Names of images in registries, as Docker reads them (grammar of github.com/distribution/reference).

import { SourceError } from "../model/error.ts";
import { isDigest, type Digest } from "../cache/digest.ts";

export interface Reference {
  /** Host and port as written, `docker.io` where none is. */
  readonly registry: string;
  /** The path in the registry: `library/ubuntu`. */
  readonly repository: string;
  /** Missing only where there is a digest. */
  readonly tag?: string | undefined;
  /** Decides, where there is also a tag. */
  readonly digest?: Digest | undefined;
}

const component = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * Takes an image name apart: `[registry[:port]/]repository[:tag][@digest]`. Docker Hub is meant where no registry
 * stands, its `library/` where the name has one part, and the tag `latest` where there is neither tag nor digest.
 * @throws {SourceError} `source/bad-reference`
 */
export function parseReference(text: string): Reference {
  const fail = (why: string, hint: string) =>
    new SourceError("source/bad-reference", `${JSON.stringify(text)} is no image name: ${why}`, {
      hint,
    });
  const shape = "write an image as [registry[:port]/]name[:tag][@sha256:digest]";
  if (text === "") throw fail("it is empty", shape);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text);
  if (scheme !== null) {
    throw fail(`it starts with ${scheme[0]}`, `leave out ${scheme[0]}`);
  }
  if (/[\s\p{C}]/u.test(text)) throw fail("there is white space in it", shape);

  let rest = text;
  let digest: string | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!isDigest(digest)) {
      throw fail(
        `${JSON.stringify(digest)} is no digest`,
        "a digest is sha256: and 64 hexadecimal digits in lower case",
      );
    }
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!tagPattern.test(tag)) {
      throw fail(
        `${JSON.stringify(tag)} is no tag`,
        "a tag is up to 128 letters, digits, dots, dashes and underscores, and starts with no dot or dash",
      );
    }
  }

  const { registry, path } = splitRegistry(rest);
  if (!hostPattern.test(registry) || !URL.canParse(`https://${registry}`))
    throw fail(`${JSON.stringify(registry)} is no host`, shape);
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (!repositoryPattern.test(repository)) {
    if (path !== path.toLowerCase() && repositoryPattern.test(repository.toLowerCase())) {
      throw fail(
        "names in a registry are in lower case",
        `write ${formatReference({ registry, repository: repository.toLowerCase(), tag, digest })}`,
      );
    }
    throw fail(`${JSON.stringify(path)} can't be the name of a repository`, shape);
  }
  if (registry.length + 1 + repository.length > 255) {
    throw fail("it is longer than 255 characters", shape);
  }
  if (tag === undefined && digest === undefined) tag = "latest";
  return { registry, repository, tag, digest };
}

/** The first part is a host if it looks like one: a dot, a port, or `localhost`. */
function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (!/[.:]/.test(first) && first !== "localhost") return { registry: "docker.io", path: name };
  const registry = first.toLowerCase();
  const isHub = ["index.docker.io", "registry-1.docker.io"].includes(registry);
  return { registry: isHub ? "docker.io" : registry, path: name.slice(slash + 1) };
}

/** The full name of an image: registry, repository, and the tag or digest that there is. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/**
 * The name that a definition's header asks for: `Registry:` and `Namespace:` stand before what `From:` says.
 * @throws {SourceError} `source/bad-reference`
 */
export function referenceOfHeader(header: ReadonlyMap<string, string>): Reference {
  const parts = ["registry", "namespace", "from"].map((key) => header.get(key) ?? "");
  const from = parts[2] ?? "";
  if (from === "") return parseReference("");
  return parseReference(
    parts
      .filter((part) => part !== "")
      .map((part, index, all) => (index < all.length - 1 ? part.replace(/\/+$/, "") : part))
      .join("/"),
  );
}
