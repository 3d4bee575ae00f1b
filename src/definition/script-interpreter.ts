import type { Section } from "../model/definition.ts";
import type { Script } from "../model/plan.ts";
import { fields } from "./white-space.ts";

/**
 * How the heading of `%pre`, `%setup` or `%post` wants its script run: `/bin/sh -ex WORDS FILE`, or, with a `-c` among
 * the words, `/bin/sh -ex -c "TEXT FILE"` where the text is all that stands behind the `-c`. What follows a `#` does not
 * count, and quotes mean nothing here.
 * @returns undefined when nothing follows the `-c`
 */
export function scriptInterpreter({
  argument,
  encoding,
}: Pick<Section, "argument" | "encoding">): Script["interpreter"] | undefined {
  const words = fields(argument.split("#", 1)[0] ?? "", encoding);
  const option = words.indexOf("-c");
  if (option === -1) return { kind: "options", words };
  const text = words.slice(option + 1).join(" ");
  // Words before the `-c` would only be options of the outer shell, which does nothing but start the inner one.
  return text === "" ? undefined : { kind: "command", text };
}
