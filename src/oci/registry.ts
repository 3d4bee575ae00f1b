import { BlobCache } from "../cache/blob-cache.ts";
import { trimCache } from "../cache/clean-cache.ts";
import { TagMemory } from "../cache/tag-memory.ts";
import type { Listener } from "../model/event.ts";
import { platformOf, type Platform } from "../model/platform.ts";
import type { Credentials, Login } from "./authorizer.ts";
import { systemCredentials } from "./credentials.ts";
import { Dispatchers } from "./dispatchers.ts";
import { SourceError } from "../model/error.ts";
import { HttpClient, type HttpOptions, type Patience } from "./http.ts";
import { layersOf, openImage, resolveImage, type OpenImage, type ResolvedImage } from "./image.ts";
import { LayerIndexCache } from "./layer-index-cache.ts";
import { MirroredRepository } from "./mirrored-repository.ts";
import { OfflineRepository } from "./offline-repository.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";
import { endpointsOf, type Endpoint } from "./registries-conf.ts";
import { RegistryStore } from "./registry-store.ts";
import { RegistryWriter } from "./registry-writer.ts";
import { Repository, type RepositoryReader } from "./repository.ts";

/** How registries are spoken to, as far as a user may say. */
export interface RegistryAccess extends Patience {
  /** Speak plain http to all of them. */
  readonly noHttps?: boolean | undefined;
  /** Ask none of them anything: all must be in the cache. */
  readonly isOffline?: boolean | undefined;
  /** Use nothing of what the cache holds, but keep what is fetched. */
  readonly isFresh?: boolean | undefined;
  /** A file of logins that is asked before all others. */
  readonly authFile?: string | undefined;
  /** A login for every registry, before those in files. */
  readonly login?: Login | undefined;
  /** A folder with `*.crt`, `*.cert` and `*.key`, as in `certs.d/HOST`, for every registry. */
  readonly certificateFolder?: string | undefined;
  /** Where the Docker daemon listens, rather than where `DOCKER_HOST` says. */
  readonly dockerHost?: string | undefined;
  /** A registry that doesn't take a connection for so long isn't there: 10 seconds. */
  readonly connectMs?: number | undefined;
  /** What the cache may hold in bytes afterwards: without limit where nothing is said. */
  readonly maxCacheBytes?: number | undefined;
}

export interface RegistryOptions extends RegistryAccess {
  /** Where what is fetched is kept; it may be shared with other processes. */
  readonly cacheFolder: string;
  /** Logins; those that the user of this machine has where it is not given. */
  readonly credentials?: Credentials | undefined;
  /** Told of progress, warnings and repeated requests. */
  readonly listener?: Listener | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Images in registries: over mirrors and proxies, with the user's logins and certificates, and through a cache. Dispose
 * it to end its connections.
 */
export class Registry implements AsyncDisposable {
  readonly #options: RegistryOptions;
  readonly #listener: Listener;
  readonly #signal: AbortSignal;
  readonly #dispatchers: Dispatchers;
  readonly #credentials: Credentials;
  readonly #cache: BlobCache;
  readonly #tags: TagMemory;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#listener = options.listener ?? (() => undefined);
    this.#signal = options.signal ?? new AbortController().signal;
    const { env, authFile, login, connectMs, certificateFolder } = options;
    this.#dispatchers = new Dispatchers({ env, connectMs, folder: certificateFolder });
    this.#credentials =
      options.credentials ??
      systemCredentials({ env, authFile, login, onProblem: this.#warn("source/bad-login-store") });
    this.#cache = new BlobCache(options.cacheFolder, { isFresh: options.isFresh });
    this.#tags = new TagMemory(options.cacheFolder);
  }

  /**
   * An image to be read piece by piece. Nothing is fetched yet.
   * @param name `[registry[:port]/]name[:tag][@digest]`, as Docker reads it
   * @throws {SourceError} `source/bad-reference`, `source/blocked`
   */
  async image(name: string | Reference): Promise<RegistryStore> {
    const reference = typeof name === "string" ? parseReference(name) : name;
    return new RegistryStore(reference, await this.#repositoryOf(reference), {
      cache: this.#cache,
      tags: this.#tags,
      listener: this.#listener,
      signal: this.#signal,
    });
  }

  /**
   * The manifest and configuration of an image for a platform, this machine's where none is named.
   * @throws {SourceError} when it can't be had, `source/no-platform` when it isn't there for the platform
   * @throws {FormatError} when it is damaged
   */
  async resolve(name: string | Reference, platform?: Platform): Promise<ResolvedImage> {
    return (await this.#resolve(name, platform)).image;
  }

  /**
   * All layers of an image, fetched, checked and laid over each other; dispose it in the end.
   * @throws as `resolve`
   */
  async open(name: string | Reference, platform?: Platform): Promise<OpenImage> {
    const { store, image } = await this.#resolve(name, platform);
    return openImage(layersOf(store, image), image.config, {
      listener: this.#listener,
      signal: this.#signal,
      indexes: new LayerIndexCache(this.#options.cacheFolder, this.#options),
    });
  }

  /**
   * A repository to be written to. Mirrors are for reading: of what registries.conf says, the registry's own place is
   * taken.
   * @throws {SourceError} `source/blocked`, `source/offline`
   */
  async writer(reference: Reference): Promise<RegistryWriter> {
    const endpoints = await this.#endpointsOf(reference);
    const endpoint = endpoints.at(-1);
    if (endpoint === undefined) throw new Error("a registry has a place");
    return new RegistryWriter(endpoint, {
      ...this.#http(`push to ${formatReference(reference)}`),
      credentials: this.#credentials,
      noHttps: this.#options.noHttps,
      isInsecure: endpoint.isInsecure,
    });
  }

  /**
   * What servers other than registries are asked with, over the same proxies and certificates.
   * @param what for the message: what for
   * @throws {SourceError} `source/offline`
   */
  client(what: string): HttpClient {
    return new HttpClient(this.#http(what));
  }

  /** Ends all connections, and brings a cache that has grown down to its size. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatchers.close();
    if (!this.#cache.hasGrown) return;
    await trimCache(this.#options.cacheFolder, this.#options.maxCacheBytes ?? Infinity);
  }

  async #resolve(name: string | Reference, platform = platformOf(process.arch)) {
    const store = await this.image(name);
    const image = await resolveImage(store, await store.start(), platform, this.#listener);
    return { store, image };
  }

  #endpointsOf(reference: Reference): Promise<readonly Endpoint[]> {
    return endpointsOf(reference, {
      env: this.#options.env,
      onProblem: this.#warn("source/bad-registries-conf"),
    });
  }

  #http(what: string): HttpOptions {
    const { isOffline, attempts, pauseMs, stallMs } = this.#options;
    if (isOffline === true) {
      throw new SourceError("source/offline", `${what}: that can't be done without a network`, {
        hint: "leave --offline out",
      });
    }
    return {
      dispatchers: this.#dispatchers,
      signal: this.#signal,
      onRetry: (message) => this.#listener({ type: "note", message }),
      attempts,
      pauseMs,
      stallMs,
    };
  }

  async #repositoryOf(reference: Reference): Promise<RepositoryReader> {
    const { isOffline, noHttps, attempts, pauseMs, stallMs } = this.#options;
    if (isOffline === true) return new OfflineRepository(reference, this.#tags);
    const endpoints = await this.#endpointsOf(reference);
    const note = (message: string) => this.#listener({ type: "note", message });
    const places = endpoints.map(
      (endpoint, at) =>
        new Repository(endpoint, {
          dispatchers: this.#dispatchers,
          credentials: this.#credentials,
          noHttps,
          isInsecure: endpoint.isInsecure,
          signal: this.#signal,
          onRetry: note,
          pauseMs,
          stallMs,
          // A mirror has a stand-in, so there is less reason to be patient with it.
          attempts: at < endpoints.length - 1 ? Math.min(2, attempts ?? 2) : attempts,
        }),
    );
    return new MirroredRepository(places, note);
  }

  #warn(code: string): (message: string) => void {
    return (message) => this.#listener({ type: "warning", code, message });
  }
}
