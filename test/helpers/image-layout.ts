// What an image of an OCI source has beside the files of its layers, for tests that compare trees: written down from
// what Apptainer's documentation and its images show, not taken from our own layout.

import type { AllowedDifference, TreeDifference } from "./compare-trees.ts";
import type { ListedEntry } from "./list-tree.ts";

const folders = [
  ".singularity.d",
  ".singularity.d/actions",
  ".singularity.d/env",
  ".singularity.d/libs",
  "dev",
  "etc",
  "home",
  "proc",
  "root",
  "sys",
  "tmp",
  "var",
  "var/tmp",
];

const programs = [
  ".singularity.d/actions/exec",
  ".singularity.d/actions/run",
  ".singularity.d/actions/shell",
  ".singularity.d/actions/start",
  ".singularity.d/actions/test",
  ".singularity.d/env/01-base.sh",
  ".singularity.d/env/10-docker2singularity.sh",
  ".singularity.d/env/90-environment.sh",
  ".singularity.d/env/94-appsbase.sh",
  ".singularity.d/env/95-apps.sh",
  ".singularity.d/env/99-base.sh",
  ".singularity.d/env/99-runtimevars.sh",
  ".singularity.d/runscript",
  ".singularity.d/startscript",
];

const texts = [
  ".singularity.d/Singularity",
  ".singularity.d/labels.json",
  "etc/hosts",
  "etc/resolv.conf",
];

const links: Readonly<Record<string, string>> = {
  ".exec": ".singularity.d/actions/exec",
  ".run": ".singularity.d/actions/run",
  ".shell": ".singularity.d/actions/shell",
  ".test": ".singularity.d/actions/test",
  environment: ".singularity.d/env/90-environment.sh",
  singularity: ".singularity.d/runscript",
};

type Row = readonly [path: string, entry: Partial<ListedEntry>];

/** What is added where the layers have nothing: type, mode and target of each path. */
export const addedEntries: ReadonlyMap<string, Partial<ListedEntry>> = new Map<
  string,
  Partial<ListedEntry>
>([
  ...folders.map((path): Row => [path, { type: "directory", mode: "755" }]),
  ...programs.map((path): Row => [path, { type: "file", mode: "755" }]),
  ...texts.map((path): Row => [path, { type: "file", mode: "644" }]),
  ...Object.entries(links).map(([path, target]): Row => [
    path,
    { type: "symlink", mode: "777", target },
  ]),
]);

/** Folders that get new members, and so a new time. */
const written = new Set(["", "etc", "var"]);

/** In what the tree of an image may differ from the tree that its layers make. */
export const addedToLayers: readonly AllowedDifference[] = [
  {
    why: "the layout of an image is added",
    allows: ({ path, what, ours, theirs }) => {
      const added = addedEntries.get(path);
      if (what !== "presence" || theirs !== undefined || added === undefined) return false;
      const entry = ours as ListedEntry;
      return (
        entry.uid === 0 &&
        entry.gid === 0 &&
        Object.entries(added).every(([key, value]) => entry[key as keyof ListedEntry] === value)
      );
    },
  },
  {
    why: "a folder that gets new members gets a new time",
    allows: ({ path, what }) => what === "mtimeSeconds" && written.has(path),
  },
  {
    why: "the run time puts the machine's own files over these two, which are empty in the image",
    allows: ({ path, what, ours }) =>
      ["etc/hosts", "etc/resolv.conf"].includes(path) &&
      (what === "mtimeSeconds" ||
        what === "sha256" ||
        (what === "sizeBytes" && ours === 0) ||
        (what === "mode" && ours === "644")),
  },
  {
    why: "SquashFS keeps times from 1970 on",
    allows: ({ what, ours, theirs }) =>
      what === "mtimeSeconds" && ours === 0 && typeof theirs === "number" && theirs < 0,
  },
];

/** In what it may differ from the image that Apptainer makes of the same source. */
export const ownTexts: readonly AllowedDifference[] = [
  {
    why: "times are those of the build",
    allows: ({ path, what }) =>
      what === "mtimeSeconds" && (written.has(path) || addedEntries.has(path)),
  },
  {
    why: "the scripts of an image are our own words, and labels have the time of the build",
    allows: ({ path, what }: TreeDifference) =>
      (what === "sha256" || what === "sizeBytes") &&
      path.startsWith(".singularity.d/") &&
      addedEntries.has(path),
  },
];
