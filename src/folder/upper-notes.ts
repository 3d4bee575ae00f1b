import type { ByteString } from "../model/bytes-path.ts";

/** How an overlay notes in its upper layer what has become of the lower one. */
export interface UpperNotes {
  /**
   * The name that is gone, if an entry of the upper layer only says so; an empty one if it is about the directory itself.
   * @param path of the entry, with `pathBuffer`
   * @throws {HostError} `folder/reserved-name` where a script made what can't be told from a note
   */
  about(name: ByteString, path: Buffer): ByteString | undefined;
  /** What is said of a directory. @param path as above */
  marks(path: Buffer): DirectoryMarks;
  /** Times change of what is copied up, and of the directories that it is in. */
  readonly losesTimes: boolean;
  /** Groups of directories are not given to what is made in them. */
  readonly losesGroups: boolean;
}

export interface DirectoryMarks {
  /** Nothing of the lower layer shows in it. */
  readonly isOpaque: boolean;
  /** Where it has come from: a name beside it, or a path if it starts with a slash. */
  readonly from?: ByteString | undefined;
}
