import test, { type ExecutionContext } from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import { checkLogin } from "../../src/oci/check-login.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { scriptedRegistry, sendError, type Rule } from "../helpers/scripted-registry.ts";

async function check(
  t: ExecutionContext,
  username: string,
  rule: (origin: string) => Rule,
): Promise<{ outcome: boolean | string; asked: string[] }> {
  const registry = await scriptedRegistry(t);
  registry.rule = rule(registry.origin);
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const login = { kind: "password", username, password: "geheim" } as const;
  const outcome = await checkLogin(registry.host, login, { dispatchers, pauseMs: 1 }).catch(
    (error: TsbuildError) => {
      t.false(`${error.message}${error.hint}`.includes("geheim"));
      return error.code;
    },
  );
  return { outcome, asked: registry.seen.map(({ path }) => path) };
}

const basic = (username: string) => `Basic ${Buffer.from(`${username}:geheim`).toString("base64")}`;

/** A registry whose tokens are given out by itself, for a login that is right. */
const byToken =
  (username: string, challenge: (origin: string) => string) =>
  (origin: string): Rule =>
  ({ path, headers }, response) => {
    if (path.startsWith("/token")) {
      if (headers.authorization === basic(username)) response.end('{"token":"t"}');
      else sendError(response, 401, "UNAUTHORIZED", "no");
    } else if (headers.authorization === "Bearer t") response.end("{}");
    else sendError(response, 401, "UNAUTHORIZED", "no", { "www-authenticate": challenge(origin) });
    return true;
  };

/** A registry that takes ann's password and nothing else. */
const byPassword: Rule = ({ headers }, response) => {
  if (headers.authorization === basic("ann")) response.end("{}");
  else sendError(response, 401, "UNAUTHORIZED", "no", { "www-authenticate": 'Basic realm="x"' });
  return true;
};

test("a login is shown to the token server, for no repository in particular", async (t) => {
  const rule = byToken("ann", (origin) => `Bearer realm="${origin}/token",service="s"`);
  const good = await check(t, "ann", rule);
  t.is(good.outcome, true);
  t.true(good.asked.includes("/token?service=s&account=ann"));
  t.is((await check(t, "eve", rule)).outcome, "login/refused");
});

test("NGC's user and realm are sent as they are", async (t) => {
  const realm = "token?account=$oauthtoken&scope=repository:x:pull,push";
  const rule = byToken("$oauthtoken", (origin) => `Bearer realm="${origin}/${realm}"`);
  const { outcome, asked } = await check(t, "$oauthtoken", rule);
  t.is(outcome, true);
  // Neither a second scope nor a service that it doesn't name.
  t.deepEqual(
    [...new Set(asked.filter((path) => path.startsWith("/token")))].map((path) =>
      Object.fromEntries(new URL(path, "http://x").searchParams),
    ),
    [{ account: "$oauthtoken", scope: "repository:x:pull,push" }],
  );
});

test("a registry with Basic logins takes or refuses one", async (t) => {
  t.is((await check(t, "ann", () => byPassword)).outcome, true);
  t.is((await check(t, "eve", () => byPassword)).outcome, "login/refused");
});

test("a registry that lets everybody in has not looked at the login", async (t) => {
  t.is((await check(t, "ann", () => () => false)).outcome, false);
});

test("a registry that fails says nothing about the login", async (t) => {
  const failing = await check(t, "ann", () => (_, response) => {
    sendError(response, 500, "UNKNOWN", "broken");
    return true;
  });
  t.is(failing.outcome, "source/registry-failed");
  const forbidding = await check(t, "ann", () => (_, response) => {
    sendError(response, 403, "DENIED", "no");
    return true;
  });
  t.is(forbidding.outcome, "login/refused");
});
