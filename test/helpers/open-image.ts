import type { ExecutionContext } from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import type { BaseImage, ImageSource, SourceContext } from "../../src/source/source.ts";
import { image, layoutFiles, textLayer, type TestImage } from "./oci-image.ts";

const bigText = "0123456789abcdef".repeat(100_000);
export const lower = textLayer({
  "etc/": "",
  "etc/a": "lower a",
  "etc/b": "lower b",
  "etc/big": bigText,
});
export const upper = textLayer({ "etc/a": "upper a", "etc/.wh.b": "", new: "new" }, "zstd");
export const plain = textLayer({ plain: "plain" }, "plain");

/** An image with layers of all three kinds, called `v1`. */
export const usual = image([lower, upper, plain], {
  tag: "v1",
  config: { Env: ["A=b"], Cmd: ["x"] },
});

/** What is in it. */
export const usualTexts = { "etc/a": "upper a", "etc/big": bigText, new: "new", plain: "plain" };

/** The files of a layout of whole images. */
export function layoutOf(...images: readonly TestImage[]): Record<string, Buffer> {
  return layoutFiles(
    images.map(({ manifest }) => manifest),
    images.flatMap(({ blobs }) => blobs),
  );
}

/** Has an agent open what `From:` names; closed with the test. */
export async function open(
  t: ExecutionContext,
  source: ImageSource,
  from: string,
  context: SourceContext,
): Promise<BaseImage> {
  const base = await source.open(new Map([["from", from]]), context);
  t.teardown(() => base.dispose?.());
  return base;
}

/** Has an agent fail at it, with a hint. */
export async function openFails(
  t: ExecutionContext,
  source: ImageSource,
  from: string,
  context: SourceContext,
  code: string,
): Promise<TsbuildError> {
  const error = await t.throwsAsync<TsbuildError>(source.open(new Map([["from", from]]), context));
  t.is(error.code, code, error.stack);
  t.truthy(error.hint);
  return error;
}
