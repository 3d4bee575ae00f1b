// Where the base of a stage comes from: one file for each bootstrap agent, one line in `agents.ts`.

import type { Listener } from "../model/event.ts";
import type { Platform } from "../model/platform.ts";
import type { RegistryAccess } from "../oci/registry.ts";
import type { FileTree } from "../tree/file-tree.ts";

export type { RegistryAccess } from "../oci/registry.ts";

/** How programs of this machine make a root file system. */
export interface RootRecipe {
  /** The program that does it, for messages. */
  readonly name: string;
  /** For /bin/sh -ex, as root of the build; the folder to fill is there, empty, and `APPTAINER_ROOTFS` says where. */
  readonly script: string;
  /** Besides those of whoever builds. */
  readonly variables: Readonly<Record<string, string>>;
  /** What to do when it fails. */
  readonly hint?: string | undefined;
}

/** What an agent may use. */
export interface SourceContext {
  /** The platform that the image is for. */
  readonly platform: Platform;
  /** The working directory of the build: relative paths in a header start here, as Apptainer has it. */
  readonly folder: string;
  /** A folder for this build alone, removed by its owner however the build ends. */
  readonly temporaryFolder: string;
  /** Where blobs are kept between builds; undefined with `--disable-cache`. */
  readonly cacheFolder: string | undefined;
  /** Talk plain http to registries (`--no-https`). */
  readonly noHttps: boolean;
  /** How else registries are spoken to; with `isOffline` no agent asks anybody for anything. */
  readonly access?: RegistryAccess | undefined;
  /** Runs a recipe and gives what it made; missing where nothing is built, where a base is only fetched say. */
  readonly makeRoot?: ((recipe: RootRecipe) => Promise<FileTree>) | undefined;
  /** Modification time of files that the agent makes, in seconds. */
  readonly timeSeconds: number;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/** The `config` object of an OCI image configuration, with what we use of it named. Other members are kept. */
export interface OciConfig {
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly [member: string]: unknown;
}

/**
 * A stage's root file system before anything of the definition was done to it.
 * `oci` bases get the base layout written over theirs and a runscript from their configuration, `image` bases keep what
 * they have, `made` bases (scratch, host, …) get the layout and an empty runscript.
 */
export interface BaseImage {
  readonly kind: "oci" | "image" | "made";
  readonly tree: FileTree;
  /** Kept in the SIF as `oci-config.json`. */
  readonly ociConfig?: OciConfig | undefined;
  /** The reference and digest of the registry's image that this is, where it is one. */
  readonly origin?: { readonly name: string; readonly digest: string } | undefined;
  /** The digests of what the tree was made of, lowest first, where they say it all; each was checked. */
  readonly layers?: readonly string[] | undefined;
  /** Frees what the contents of the tree are read from; the tree is of no use afterwards. */
  dispose?(): Promise<void>;
}

export interface HeaderKeyword {
  /** In lower case. */
  readonly name: string;
  readonly required: boolean;
  /** One sentence for help and editors. */
  readonly meaning: string;
}

/** A bootstrap agent. Keep the file light: what is heavy to load is imported inside `open`. */
export interface ImageSource {
  /** Values of `Bootstrap:` that ask for it. */
  readonly names: readonly string[];
  /** The header keywords that it reads, besides `bootstrap` and `stage`. */
  readonly keywords: readonly HeaderKeyword[];
  /** One sentence for help and editors. */
  readonly summary: string;
  /** Whether it runs programs as root of the build, in a folder on disk (`makeRoot`). */
  readonly runsPrograms?: boolean;
  /**
   * @param header keywords in lower case → value
   * @throws {SourceError} when the base can't be had
   * @throws {FormatError} when it is damaged or lies
   */
  open(header: ReadonlyMap<string, string>, context: SourceContext): Promise<BaseImage>;
}
