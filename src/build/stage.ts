import type { SandboxBase } from "../sandbox/laid-base.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { BaseImage } from "../source/source.ts";
import { FileTree } from "../tree/file-tree.ts";

/** A stage while it is built: its tree, and its sandbox once a script needed one. */
export interface StageState {
  readonly index: number;
  readonly name: string | undefined;
  /** What the root file system holds. After a script it has been read back from disk. */
  tree: FileTree;
  base: BaseImage | undefined;
  /** What scripts' changes can be laid over. */
  lowerLayer: SandboxBase | undefined;
  sandbox: Sandbox | undefined;
}

export function newStage(index: number, name: string | undefined): StageState {
  return {
    index,
    name,
    tree: new FileTree(),
    base: undefined,
    lowerLayer: undefined,
    sandbox: undefined,
  };
}
