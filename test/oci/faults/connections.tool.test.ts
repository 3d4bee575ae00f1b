// Certificates, hosts and proxies that let nothing through, between our client and a real registry.

import { createServer, connect, type Socket } from "node:net";
import type { ExecutionContext } from "ava";
import { faultProxy } from "../../helpers/fault-proxy.ts";
import { listen } from "../../helpers/loopback.ts";
import { makeCertificate, type HostCertificate } from "../../helpers/site-certificates.ts";
import { faultTest, longestMs, patient, pull, site, type Setting } from "./fault-site.ts";

const tlsFaults: readonly (readonly [
  string,
  () => Promise<HostCertificate>,
  Setting,
  string,
  RegExp?,
])[] = [
  ["a certificate of the site", async () => site.good, patient, "recovered"],
  [
    "a certificate that has run out",
    () => makeCertificate(site.certificates, "old", ["IP:127.0.0.1"], [-3, -1]),
    {},
    "source/unreachable",
    /certificate is not trusted \(.*expired/,
  ],
  [
    "a certificate from the future",
    () => makeCertificate(site.certificates, "young", ["IP:127.0.0.1"], [2, 9]),
    {},
    "source/unreachable",
    /certificate is not trusted/,
  ],
  [
    "a certificate for another host",
    () => makeCertificate(site.certificates, "other", ["DNS:elsewhere.test"]),
    {},
    "source/unreachable",
    /certificate is not trusted/,
  ],
  [
    "a certificate of an authority that nobody knows",
    async () => site.good,
    { certificateFolder: "/nowhere" },
    "source/unreachable",
    /certificate is not trusted/,
  ],
];
for (const [title, certificate, setting, outcome, message = /^/] of tlsFaults) {
  faultTest(`over TLS, ${title}: ${outcome}`, async (t) => {
    const proxy = await faultProxy(t, site.registry, await certificate());
    const pulled = await pull(t, proxy.host, { certificateFolder: site.trusted, ...setting });
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.regex(pulled.error?.message ?? "", message);
    t.true(pulled.elapsedMs < longestMs);
  });
}

/** A server below HTTP, that does what it is told with each connection. */
async function socketServer(t: ExecutionContext, act: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    act(socket);
  });
  const port = await listen(t, server);
  t.teardown(() => {
    for (const socket of open) socket.destroy();
  });
  return port;
}

faultTest(
  "a registry that is not there is told of within seconds, with the usual patience",
  async (t) => {
    const usual = {
      attempts: undefined,
      pauseMs: undefined,
      stallMs: undefined,
      connectMs: undefined,
    };
    const [refused, unknown] = await Promise.all([
      pull(t, "127.0.0.1:9", usual),
      pull(t, "registry.invalid", usual),
    ]);
    t.is(refused.outcome, "source/unreachable");
    t.regex(refused.error?.message ?? "", /the connection was refused/);
    // Half a second and then a second, not the five attempts that a registry gets which has answered before.
    t.is(refused.notes.length, 2);
    t.true(refused.elapsedMs < longestMs, `${refused.elapsedMs}`);
    t.is(unknown.outcome, "source/unreachable");
    t.regex(unknown.error?.message ?? "", /no such host|can't be looked up/);
    t.true(unknown.elapsedMs < longestMs, `${unknown.elapsedMs}`);
  },
);

faultTest("a host that takes connections and says nothing is told of in time", async (t) => {
  const silent = await socketServer(t, () => undefined);
  const overHttp = await pull(t, `127.0.0.1:${silent}`, { noHttps: true });
  t.is(overHttp.outcome, "source/unreachable");
  t.regex(overHttp.error?.message ?? "", /doesn't answer/);
  t.true(overHttp.elapsedMs < longestMs, `${overHttp.elapsedMs}`);
  // The handshake of TLS belongs to the connecting.
  const env = { HTTPS_PROXY: `http://127.0.0.1:${await tunnelTo(t, silent)}` };
  const overTls = await pull(t, "registry.test", { env });
  t.is(overTls.outcome, "source/unreachable");
  t.true(overTls.elapsedMs < longestMs, `${overTls.elapsedMs}`);
});

faultTest("a host that hangs up at once is told of", async (t) => {
  const port = await socketServer(t, (socket) => void socket.destroy());
  t.is((await pull(t, `127.0.0.1:${port}`)).outcome, "source/unreachable");
});

faultTest("a host that speaks plain http where https is wanted is told of", async (t) => {
  const plain = await faultProxy(t, site.registry);
  const env = {
    HTTPS_PROXY: `http://127.0.0.1:${await tunnelTo(t, Number(plain.host.split(":")[1]))}`,
  };
  const pulled = await pull(t, "registry.test", { env });
  t.is(pulled.outcome, "source/unreachable");
  t.regex(pulled.error?.hint ?? "", /--no-https/);
});

/** A proxy whose tunnels all lead to one port. */
async function tunnelTo(t: ExecutionContext, port: number): Promise<number> {
  return socketServer(t, (client) => {
    client.once("data", () => {
      const server = connect(port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      server.on("error", () => client.destroy());
      t.teardown(() => server.destroy());
    });
  });
}

const answerTunnel = (text: string) => (socket: Socket) =>
  void socket.once("data", () => void socket.end(text));
const proxyFaults: readonly (readonly [
  string,
  ((socket: Socket) => void) | undefined,
  string,
  RegExp,
])[] = [
  ["a proxy that is not there", undefined, "source/unreachable", /refused/],
  [
    "a proxy that wants a login",
    answerTunnel("HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n"),
    "source/unreachable",
    /the proxy wants a login/,
  ],
  [
    "a proxy that forbids",
    answerTunnel("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"),
    "source/unreachable",
    /the proxy doesn't pass the request on \(status 403\)/,
  ],
  [
    "a proxy that fails",
    answerTunnel("HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n"),
    "source/unreachable",
    /the proxy doesn't pass the request on \(status 502\)/,
  ],
  ["a proxy that hangs up", (socket) => void socket.destroy(), "source/unreachable", /./],
  ["a proxy that says nothing", () => undefined, "source/unreachable", /./],
];
for (const [title, act, outcome, message] of proxyFaults) {
  faultTest(`${title}: ${outcome}`, async (t) => {
    const port = act === undefined ? 9 : await socketServer(t, act);
    const env = { HTTPS_PROXY: `http://ann:geheim@127.0.0.1:${port}` };
    const pulled = await pull(t, "registry.test", { env });
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.regex(pulled.error?.message ?? "", message);
    t.false(
      `${pulled.error?.message} ${pulled.error?.hint} ${pulled.notes.join()}`.includes("geheim"),
    );
    t.true(pulled.elapsedMs < longestMs, `${pulled.elapsedMs}`);
  });
}

faultTest("a proxy of the environment is used for what is not on this machine", async (t) => {
  const secure = await faultProxy(t, site.registry, site.good);
  const env = {
    https_proxy: `http://127.0.0.1:${await tunnelTo(t, Number(secure.host.split(":")[1]))}`,
  };
  const pulled = await pull(t, "registry.test", {
    ...patient,
    env,
    certificateFolder: site.trusted,
  });
  t.is(pulled.outcome, "recovered", pulled.error?.stack);
});
