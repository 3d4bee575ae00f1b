import type { Definition, Section, Stage } from "../../model/definition.ts";
import type { Location } from "../../model/location.ts";

/** What a rule has against a place. */
export interface Finding {
  readonly location: Location;
  readonly message: string;
  readonly hint: string;
}

export interface RuleContext {
  readonly definition: Definition;
  /** The stage that becomes the image. */
  readonly isFinal: boolean;
}

/**
 * Advice about definitions that can be built. To add a rule, write its file, its line in `rules.ts`, its page
 * `docs/errors/check/<name>.md` and its cases in `test/definition/rules.test.ts`.
 */
export interface Rule {
  /** Its code is `check/<name>`, and `# tsbuild: disable=<name>` switches it off. */
  readonly name: string;
  /** One sentence for a list of the rules. */
  readonly summary: string;
  /** Called for each stage. */
  check(stage: Stage, context: RuleContext): Iterable<Finding>;
}

/** A stage's sections of the given names. */
export function sectionsOf(stage: Stage, ...names: readonly Section["name"][]): Section[] {
  return stage.sections.filter(({ name }) => names.includes(name));
}
