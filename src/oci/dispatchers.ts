import type { Dispatcher, request as undiciRequest } from "undici";
import { SourceError } from "../model/error.ts";
import { siteCertificates, type CertificateOptions } from "./certificates.ts";

export interface Connection {
  readonly request: typeof undiciRequest;
  readonly dispatcher: Dispatcher;
  /** Whether more authorities than Node's own are believed. */
  readonly trustsSite: boolean;
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
  readonly #certificates: CertificateOptions;
  /** By the way to a host: directly or as the environment says, and for some hosts with certificates of their own. */
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #trusted = new Map<string, Promise<string[]>>();
  readonly #unverified = new Set<string>();

  constructor(certificates: CertificateOptions = {}) {
    this.#certificates = certificates;
  }

  /** Has a host's certificate not looked at: its user said that it need not be. */
  allowInsecure({ host }: URL): void {
    this.#unverified.add(host);
  }

  /**
   * The way to a host.
   * @param options.trustSite from now on the host's certificate may be from any authority that the machine trusts
   * @throws {SourceError} `source/bad-proxy`
   */
  async get(url: URL, options: { readonly trustSite?: boolean } = {}): Promise<Connection> {
    const { host } = url;
    if (options.trustSite === true && !this.#trusted.has(host)) {
      this.#trusted.set(host, siteCertificates(host, this.#certificates));
    }
    const { request, Agent, EnvHttpProxyAgent } = await import("undici");
    const ca = await this.#trusted.get(host);
    const trustsSite = ca !== undefined;
    const isDirect = isLoopback(url.hostname);
    const isUnverified = this.#unverified.has(host);
    const way = `${isDirect ? "direct" : "environment"} ${trustsSite || isUnverified ? host : ""}`;
    const existing = this.#dispatchers.get(way);
    if (existing !== undefined) return { request, dispatcher: existing, trustsSite };
    const tls = {
      ...(trustsSite ? { ca } : {}),
      ...(isUnverified ? { rejectUnauthorized: false } : {}),
    };
    const connect = { timeout: 20_000, ...tls };
    // HTTP/2 would push all layers through one connection and its small windows.
    const agent = { allowH2: false, connect };
    try {
      const dispatcher = isDirect
        ? new Agent(agent)
        : new EnvHttpProxyAgent({ ...agent, requestTls: connect, proxyTls: tls });
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

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((one) => one.destroy()));
  }
}
