import { randomBytes } from "node:crypto";
import type { ExecutionContext } from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { Repository, type RepositoryOptions } from "../../src/oci/repository.ts";
import { blob, image, textLayer } from "./oci-image.ts";
import { scriptedRegistry, type ScriptedRegistry } from "./scripted-registry.ts";

export const largeBytes = randomBytes(300_000);
export const large = blob(largeBytes, "application/vnd.oci.image.layer.v1.tar");
export const made = image([textLayer({ a: "a" })]);

/** A scripted registry with the repository `x`, which holds a large blob and the small image `1`. */
export async function startRepository(
  t: ExecutionContext,
  options: Partial<RepositoryOptions> = {},
): Promise<{ registry: ScriptedRegistry; repository: Repository }> {
  const registry = await scriptedRegistry(t);
  registry.put("x", [large, ...made.blobs], { "1": made.manifest });
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const repository = new Repository(
    { registry: registry.host, repository: "x" },
    { dispatchers, pauseMs: 1, stallMs: 1500, ...options },
  );
  return { registry, repository };
}

/** All of the large blob. */
export async function pullLarge(repository: Repository): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of repository.blob(
    { ...large, sizeBytes: large.size, annotations: {} },
    "layer x",
  ))
    parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

export const isBlob = (path: string) => path.includes("/blobs/");

/** Has work fail with a code, and a hint. */
export async function failure(
  t: ExecutionContext,
  work: Promise<unknown>,
  code: string,
): Promise<TsbuildError> {
  const error = await t.throwsAsync<TsbuildError>(work);
  t.is(error.code, code, error.stack);
  t.truthy(error.hint);
  return error;
}
