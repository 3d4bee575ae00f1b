import { FileTree } from "../tree/file-tree.ts";
import type { ImageSource } from "./source.ts";

/** `Bootstrap: scratch`: a root file system with nothing in it. */
export const scratchSource: ImageSource = {
  names: ["scratch"],
  keywords: [],
  summary: "an empty root file system",
  open: async (_header, { timeSeconds }) => ({
    kind: "made",
    tree: new FileTree({
      type: "directory",
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtimeSeconds: timeSeconds,
    }),
  }),
};
