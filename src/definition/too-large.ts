import { headingAt, markAt } from "./heading.ts";
import { lineEnd } from "./tokens.ts";

// Apptainer takes no section and no header of 64 KiB or more. We take any section, but a header or a number of sections
// that nobody writes is refused before it is taken apart, which would cost more memory than there may be.

const maxHeaderLength = 256 * 1024;
const maxSections = 20_000;

/** What is too large about the text of a stage, and where that begins; undefined for all that people write. */
export function tooLarge(
  text: string,
): { readonly message: string; readonly at: number } | undefined {
  let sections = 0;
  for (let at = 0; at < text.length; at = lineEnd(text, at) + 1) {
    const isText = () => sections > 0 && markAt(text, at) !== undefined;
    if (headingAt(text, at) !== undefined && !isText()) sections++;
    if (sections > maxSections)
      return { message: `there are more than ${maxSections} sections`, at };
    if (sections === 0 && at > maxHeaderLength) {
      return { message: "there are more than 256 KiB before the first section", at };
    }
  }
  return undefined;
}
