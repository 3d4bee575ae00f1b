import type { Dispatcher, EnvHttpProxyAgent, request as undiciRequest } from "undici";
import { SourceError } from "../model/error.ts";

export interface Connection {
  readonly request: typeof undiciRequest;
  readonly dispatcher: Dispatcher;
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
  #direct: Dispatcher | undefined;
  #proxied: EnvHttpProxyAgent | undefined;

  async get(url: URL): Promise<Connection> {
    const { request, Agent, EnvHttpProxyAgent } = await import("undici");
    // HTTP/2 would push all layers through one connection and its small windows.
    const options = { allowH2: false, connect: { timeout: 20_000 } };
    if (isLoopback(url.hostname)) {
      return { request, dispatcher: (this.#direct ??= new Agent(options)) };
    }
    try {
      return { request, dispatcher: (this.#proxied ??= new EnvHttpProxyAgent(options)) };
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
    await Promise.all([this.#direct?.destroy(), this.#proxied?.destroy()]);
  }
}
