// Token servers that fail, and where a login goes, between our client and a real registry.

import type { ServerResponse } from "node:http";
import type { Login } from "../../../src/oci/authorizer.ts";
import { faultProxy, pass, type Fault, type FaultProxy } from "../../helpers/fault-proxy.ts";
import { on, status } from "./acts.ts";
import { faultTest, largePath, longestMs, pull, site } from "./fault-site.ts";

const password: Login = { kind: "password", username: "ann", password: "geheim" };
const basic = `Basic ${Buffer.from("ann:geheim").toString("base64")}`;
const loggedIn = { credentials: { find: async () => password } };

/** Has a proxy want tokens, which it gives out itself at `/token`. */
function tokens(
  proxy: FaultProxy,
  token: (response: ServerResponse, count: number) => void,
  isGood: (authorization: string | undefined, path: string) => boolean,
  realm = `${proxy.origin}/token`,
): Fault {
  return ({ path, headers, count }, response) => {
    if (path.startsWith("/token")) {
      token(response, count);
      return true;
    }
    const authorization = headers["authorization"];
    if (isGood(typeof authorization === "string" ? authorization : undefined, path)) return false;
    const challenge = `Bearer realm="${realm}",service="s",scope="repository:x:pull"`;
    pass(response, {
      status: 401,
      headers: { "www-authenticate": challenge },
      body: Buffer.alloc(0),
    });
    return true;
  };
}

const giveToken = (response: ServerResponse, count: number) =>
  response.end(JSON.stringify({ token: `token-${count}` }));
const isToken = (authorization: string | undefined) =>
  /^Bearer token-\d$/.test(authorization ?? "");

const tokenFaults: readonly (readonly [string, Parameters<typeof tokens>[1], string])[] = [
  ["all is well", giveToken, "recovered"],
  ["the token server refuses", (r) => r.writeHead(401).end("{}"), "source/login-needed"],
  ["the token server forbids", (r) => r.writeHead(403).end("{}"), "source/forbidden"],
  ["the token server fails", (r) => r.writeHead(500).end(), "source/registry-failed"],
  [
    "the token server fails once",
    (r, count) => void (count === 0 ? r.writeHead(503).end() : giveToken(r, count)),
    "recovered",
  ],
  ["the token server never answers", () => undefined, "source/unreachable"],
  ["the token server drops", (r) => r.destroy(), "source/unreachable"],
  ["the token is no JSON", (r) => r.end("token-0"), "source/registry-failed"],
  ["there is no token", (r) => r.end("{}"), "source/registry-failed"],
  [
    "the token has a line break in it",
    (r) => r.end('{"token":"a\\nb: c"}'),
    "source/registry-failed",
  ],
  [
    "the token's answer has no end",
    (r) => void r.write(Buffer.alloc(2_000_000, 32)),
    "source/registry-failed",
  ],
];
for (const [title, token, outcome] of tokenFaults) {
  faultTest(`with tokens, ${title}: ${outcome}`, async (t) => {
    const proxy = await faultProxy(t, site.registry);
    proxy.fault = tokens(proxy, token, isToken);
    const pulled = await pull(t, proxy.host, loggedIn);
    t.is(pulled.outcome, outcome, pulled.error?.stack);
    t.true(pulled.elapsedMs < longestMs, `it took ${pulled.elapsedMs} ms`);
    t.true(
      proxy.seen.some(
        ({ path, headers }) => path.startsWith("/token") && headers["authorization"] === basic,
      ),
    );
    t.false(
      `${pulled.error?.message} ${pulled.error?.hint} ${pulled.notes.join()}`.includes("geheim"),
    );
  });
}

faultTest("a token that runs out in the middle of a pull is renewed", async (t) => {
  const proxy = await faultProxy(t, site.registry);
  let issued = 0;
  const spent = new Map<string, number>();
  // Each token is good for two requests.
  proxy.fault = tokens(
    proxy,
    (response) => void response.end(JSON.stringify({ token: `token-${issued++}` })),
    (authorization = "") => {
      const uses = spent.get(authorization) ?? 0;
      spent.set(authorization, uses + 1);
      return isToken(authorization) && uses < 2;
    },
  );
  t.is((await pull(t, proxy.host, loggedIn)).outcome, "recovered");
  t.true(issued >= 2);
});

faultTest("a registry that takes no token is not asked for ever", async (t) => {
  const proxy = await faultProxy(t, site.registry);
  proxy.fault = tokens(proxy, giveToken, () => false);
  t.is((await pull(t, proxy.host, loggedIn)).outcome, "source/login-needed");
  t.true(proxy.seen.length < 12);
});

faultTest(
  "a login never goes to another host, by redirect or to a token server over plain http",
  async (t) => {
    const proxy = await faultProxy(t, site.registry);
    const storage = await faultProxy(t, site.registry);
    proxy.fault = (passing, response) => {
      const { path, headers } = passing;
      if (headers["authorization"] !== basic) {
        return (
          status(401, { "www-authenticate": 'Basic realm="x"' })(response, passing.answer), true
        );
      }
      if (path !== largePath) return false;
      return (
        status(307, { location: `${storage.origin}${path}` })(response, passing.answer), true
      );
    };
    t.is((await pull(t, proxy.host, loggedIn)).outcome, "recovered");
    t.is(storage.seen.length, 1);
    t.is(storage.seen[0]?.headers["authorization"], undefined);

    const secure = await faultProxy(t, site.registry, site.good);
    secure.fault = tokens(secure, giveToken, isToken, "http://tokens.test/token");
    const knowing = { ...loggedIn, certificateFolder: site.trusted };
    t.is((await pull(t, secure.host, knowing)).outcome, "source/registry-failed");

    secure.fault = on(largePath, status(307, { location: `${storage.origin}${largePath}` }));
    const downgraded = await pull(t, secure.host, { certificateFolder: site.trusted });
    t.is(downgraded.outcome, "source/bad-redirect");
    t.regex(downgraded.error?.message ?? "", /from https:\/\/ to http:\/\//);
  },
);
