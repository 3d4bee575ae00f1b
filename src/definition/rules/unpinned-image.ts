import type { Rule } from "./rule.ts";

const agents = new Set(["docker", "oras", "library"]);

/** The tag of an image reference: what follows the colon in its last part. */
function tagOf(reference: string): string | undefined {
  const last = reference.split("/").at(-1) ?? "";
  const colon = last.indexOf(":");
  return colon === -1 ? undefined : last.slice(colon + 1);
}

/** `From: debian` is another image every few months. */
export const unpinnedImage: Rule = {
  name: "unpinned-image",
  summary: "An image from a registry is named with a tag other than latest, or a digest.",
  *check(stage) {
    const agent = stage.header.find(({ key }) => key === "bootstrap")?.value ?? "";
    const from = stage.header.find(({ key }) => key === "from");
    if (!agents.has(agent) || from === undefined || from.value.includes("@")) return;
    const tag = tagOf(from.value);
    if (from.value === "" || (tag !== undefined && tag !== "latest")) return;
    yield {
      location: from.valueLocation,
      message: `${from.value} is whatever the registry calls latest on the day of the build`,
      hint: "name a version, debian:12 for one, or a digest behind an @",
    };
  },
};
