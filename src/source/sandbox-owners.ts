import type { ReadFolderOptions } from "../folder/read-folder.ts";

/** Who owns the files of a sandbox folder: a plain user outside of any namespace owns all, in the place of root. */
export function sandboxOwners(): Pick<ReadFolderOptions, "owner"> {
  return process.geteuid?.() === 0 ? {} : { owner: { uid: 0, gid: 0 } };
}
