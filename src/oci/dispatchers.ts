import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher, request as undiciRequest } from "undici";
import { SourceError } from "../model/error.ts";
import { clientCertificate, siteCertificates, type CertificateOptions } from "./certificates.ts";

export interface Connection {
  readonly request: typeof undiciRequest;
  readonly dispatcher: Dispatcher;
  /** Whether more authorities than Node's own are believed. */
  readonly trustsSite: boolean;
}

export interface DispatcherOptions extends CertificateOptions {
  /** A host that doesn't take a connection for so long isn't there: 10 seconds. */
  readonly connectMs?: number | undefined;
}

/** Whether a host (without port) is this machine itself. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}

/**
 * The connections of one build. undici is loaded when the first is wanted: that alone takes a tenth of a second.
 * Proxies are those of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); this machine itself is never asked through
 * one.
 */
export class Dispatchers {
  /** How long a host may take to take a connection. */
  readonly connectMs: number;
  readonly #options: DispatcherOptions;
  /** By the way to a host: directly or as the environment says, and for some hosts with certificates of their own. */
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #trusted = new Map<string, Promise<string[]>>();
  readonly #clients = new Map<string, ReturnType<typeof clientCertificate>>();
  readonly #unverified = new Set<string>();

  constructor(options: DispatcherOptions = {}) {
    this.#options = options;
    this.connectMs = options.connectMs ?? 10_000;
  }

  /** Has a host's certificate not looked at: its user said that it need not be. */
  allowInsecure({ host }: URL): void {
    this.#unverified.add(host);
  }

  /**
   * The way to a host.
   * @param options.trustSite from now on the host's certificate may be from any authority that the machine trusts
   * @throws {SourceError} `source/bad-proxy`, `source/bad-certificate`
   */
  async get(url: URL, options: { readonly trustSite?: boolean } = {}): Promise<Connection> {
    const { host } = url;
    if (options.trustSite === true && !this.#trusted.has(host)) {
      this.#trusted.set(host, siteCertificates(host, this.#options));
    }
    if (url.protocol === "https:" && !this.#clients.has(host)) {
      this.#clients.set(host, clientCertificate(host, this.#options));
    }
    const client = url.protocol === "https:" ? await this.#clients.get(host) : undefined;
    const { request, Agent, EnvHttpProxyAgent } = await import("undici");
    const ca = await this.#trusted.get(host);
    const trustsSite = ca !== undefined;
    const isDirect = isLoopback(url.hostname);
    const isUnverified = this.#unverified.has(host);
    const isOwn = trustsSite || isUnverified || client !== undefined;
    // What was known of a host's certificates may have grown since.
    const way = `${isDirect ? "direct" : "environment"} ${isOwn ? `${host} ${trustsSite}` : ""}`;
    const existing = this.#dispatchers.get(way);
    if (existing !== undefined) return { request, dispatcher: existing, trustsSite };
    const tls = {
      ...(trustsSite ? { ca } : {}),
      ...(isUnverified ? { rejectUnauthorized: false } : {}),
    };
    const connect = { timeout: this.connectMs, ...tls, ...client };
    // HTTP/2 would push all layers through one connection and its small windows.
    const agent = { allowH2: false, connect };
    try {
      const dispatcher = isDirect
        ? new Agent(agent)
        : new EnvHttpProxyAgent({
            ...agent,
            ...proxiesOf(this.#options.env ?? process.env),
            requestTls: connect,
            proxyTls: tls,
          });
      this.#dispatchers.set(way, dispatcher);
      return { request, dispatcher, trustsSite };
    } catch (cause) {
      throw new SourceError(
        "source/bad-proxy",
        `the proxy of the environment can't be used: ${(cause as Error).message}`,
        { cause, hint: "HTTPS_PROXY and HTTP_PROXY hold addresses like http://proxy.example:3128" },
      );
    }
  }

  /** Ends all connections. One that a proxy never opened is not waited for. */
  async close(): Promise<void> {
    const ends = [...this.#dispatchers.values()].map((one) => one.destroy());
    await Promise.race([Promise.all(ends), sleep(1000, undefined, { ref: false })]);
  }
}

/** The variables of the environment that name proxies: small letters first, as curl and undici have it. */
function proxiesOf(env: Readonly<Record<string, string | undefined>>) {
  const named = (name: string) => env[name.toLowerCase()] ?? env[name];
  return {
    httpProxy: named("HTTP_PROXY") ?? "",
    httpsProxy: named("HTTPS_PROXY") ?? "",
    noProxy: named("NO_PROXY") ?? "",
  };
}
