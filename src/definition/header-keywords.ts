import { foldCase } from "./heading.ts";

/** A word that may stand before a colon in the header of a stage. */
export interface Keyword {
  /** As its documentation spells it. In a file its case does not matter. */
  readonly spelling: string;
  /** What it says, in one sentence. */
  readonly meaning: string;
}

/**
 * The keywords that Apptainer 1.4.5 accepts, whatever the agent; which agent reads which is the agents' business.
 * `OtherURL` stands for itself with a number behind it. Apptainer 1.5 knows four more (`laterKeywords`); since a file
 * with them can only be built with an agent that tsbuild does not have, they are refused, with a hint.
 */
export const headerKeywords: readonly Keyword[] = [
  { spelling: "Bootstrap", meaning: "The agent that provides the base; starts a stage." },
  { spelling: "From", meaning: "What to start from: an image reference or a file." },
  { spelling: "Stage", meaning: "The stage's name, for `%files from NAME` in other stages." },
  { spelling: "Registry", meaning: "A registry's host, put in front of `From`." },
  { spelling: "Namespace", meaning: "A path in the registry, put in front of `From`." },
  { spelling: "Library", meaning: "The address of a library server." },
  { spelling: "Fingerprints", meaning: "The keys that must have signed the base, with commas." },
  { spelling: "MirrorURL", meaning: "Where a distribution's packages come from." },
  { spelling: "UpdateURL", meaning: "A second package repository." },
  { spelling: "OSVersion", meaning: "The release of the distribution." },
  { spelling: "Include", meaning: "Further packages to install, or programs to take along." },
  { spelling: "SetOpt", meaning: "An option passed to dnf as `--setopt`." },
  { spelling: "ConfURL", meaning: "Where pacman's configuration comes from." },
  { spelling: "Product", meaning: "The SUSE product to register." },
  { spelling: "User", meaning: "The user of the SUSE registration." },
  { spelling: "RegCode", meaning: "The code of the SUSE registration." },
  { spelling: "ProductPGP", meaning: "The key of the SUSE product." },
  { spelling: "RegisterURL", meaning: "The address of the SUSE registration server." },
  { spelling: "Modules", meaning: "The SUSE modules to add." },
  { spelling: "OtherURL", meaning: "With a number behind it: one more repository." },
  { spelling: "IncludeCmd", meaning: "A left-over of version 2; accepted and without effect." },
];

/** The keywords of the agents `buildkit` and `dockerfile`, which came with Apptainer 1.5. */
export const laterKeywords: readonly string[] = ["target", "frontend", "filename", "buildargs"];

const plain = new Set(
  headerKeywords.map(({ spelling }) => spelling.toLowerCase()).filter((key) => key !== "otherurl"),
);

/** Whether a key, in lower case, may stand in a header. */
export function isHeaderKeyword(key: string): boolean {
  return plain.has(key) || /^otherurl[0-9]+$/.test(key);
}

const spellings = new Map(
  headerKeywords.map(({ spelling }) => [spelling.toLowerCase(), spelling] as const),
);

/** A key as its documentation spells it, whatever its case. */
export function spellingOf(key: string): string {
  const [, name = "", digits = ""] = /^(.*?)(\d*)$/s.exec(key) ?? [];
  return `${spellings.get(foldCase(name)) ?? name}${digits}`;
}
