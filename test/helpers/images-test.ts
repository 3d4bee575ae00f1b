import type { ExecutionContext } from "ava";
import { haveImages } from "./images.ts";
import { serialHostTest } from "./serial-test.ts";

/** Declares a test of real images: test/judges/images.sh makes them. */
export function imagesTest(title: string, body: (t: ExecutionContext) => unknown): void {
  serialHostTest("root and images", haveImages, title, body);
}
