// Stands between a client and a real registry, and does to what passes what networks, proxies and servers do at times.

import { once } from "node:events";
import { createServer, request as sendRequest, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { ExecutionContext } from "ava";
import { listen } from "./loopback.ts";

/** A request on its way, with what the registry would answer to it. */
export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** How often its path was asked for before, by this method. */
  readonly count: number;
  readonly answer: Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Answers in the registry's place and says so, or lets the registry's answer pass. */
export type Fault = (passing: Passing, response: ServerResponse) => boolean;

export interface FaultProxy {
  /** `address:port` */
  readonly host: string;
  readonly origin: string;
  /** What was asked for. */
  readonly seen: Omit<Passing, "answer">[];
  fault: Fault;
}

/**
 * @param tls the certificate of a proxy that speaks https
 * @param address where it listens
 */
export async function faultProxy(
  t: ExecutionContext,
  registry: { readonly port: number },
  tls?: { readonly key: Buffer; readonly cert: Buffer },
  address = "127.0.0.1",
): Promise<FaultProxy> {
  const counts = new Map<string, number>();
  const listener: Parameters<typeof createServer>[1] = (request, response) => {
    void (async () => {
      const { method = "", url: path = "", headers } = request;
      const key = `${method} ${path}`;
      const count = counts.get(key) ?? 0;
      counts.set(key, count + 1);
      proxy.seen.push({ method, path, headers, count });
      const answer = await ask(registry.port, method, path, headers);
      if (!proxy.fault({ method, path, headers, count, answer }, response)) pass(response, answer);
    })().catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const host = `${address}:${await listen(t, server, address)}`;
  const proxy: FaultProxy = {
    host,
    origin: `${tls === undefined ? "http" : "https"}://${host}`,
    seen: [],
    fault: () => false,
  };
  return proxy;
}

/** Sends an answer, whole or with another status, headers or body. */
export function pass(response: ServerResponse, answer: Answer, change: Partial<Answer> = {}): void {
  const { status, headers, body } = { ...answer, ...change };
  response.writeHead(status, headers as Record<string, string>);
  response.end(body);
}

async function ask(
  port: number,
  method: string,
  path: string,
  headers: Passing["headers"],
): Promise<Answer> {
  const { host: _, connection: __, authorization: ___, ...passed } = headers;
  const request = sendRequest({ host: "127.0.0.1", port, method, path, headers: passed }).end();
  const [response] = await once(request, "response");
  const body: Buffer[] = [];
  for await (const part of response) body.push(part as Buffer);
  const { connection: ____, "transfer-encoding": _____, ...kept } = response.headers;
  return { status: response.statusCode, headers: kept, body: Buffer.concat(body) };
}
