import type { Stage } from "../../model/definition.ts";
import { stageOf } from "../stage-of.ts";
import { sectionsOf, type Rule } from "./rule.ts";

/** A stage that no other copies from is built for nothing. */
export const unusedStage: Rule = {
  name: "unused-stage",
  summary: "Every stage but the last is copied from.",
  *check(stage, { definition, isFinal }) {
    if (isFinal) return;
    const wanted = definition.stages
      .slice(stage.index + 1)
      .flatMap((later) => sectionsOf(later, "files"))
      .map(stageOf)
      .flatMap((origin) => (origin.kind === "stage" ? [origin.name] : []));
    const first = definition.stages.find(({ name }) => name === stage.name);
    const isReached = stage.name !== undefined && first === stage && wanted.includes(stage.name);
    // A stage may be there for the sake of its test.
    if (isReached || sectionsOf(stage, "test").length > 0) return;
    yield {
      location: stage.location,
      message: namesake(stage, definition.stages) ?? "nothing is copied from this stage",
      hint:
        stage.name === undefined
          ? "give it a name with Stage: and copy from it with %files from"
          : `copy from it with %files from ${stage.name}, or take it away`,
    };
  },
};

/** In Dockerfiles a stage can stand behind FROM; here that is always the name of an image. */
function namesake({ index, name }: Stage, stages: readonly Stage[]): string | undefined {
  const from = stages
    .slice(index + 1)
    .flatMap(({ header }) => header)
    .find(({ key, value }) => key === "from" && name !== undefined && value === name);
  if (from === undefined) return undefined;
  return `nothing is copied from this stage: the From of line ${from.location.line} does not mean it, but an image of that name`;
}
