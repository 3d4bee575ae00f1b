import test, { type ExecutionContext } from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import type { Credentials, Login } from "../../src/oci/authorizer.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { Repository } from "../../src/oci/repository.ts";
import { image, textLayer } from "../helpers/oci-image.ts";
import {
  scriptedRegistry,
  sendError,
  type ScriptedRegistry,
} from "../helpers/scripted-registry.ts";

const made = image([textLayer({ a: "a" })]);
const one = { ...made.config, sizeBytes: made.config.size, annotations: {} };
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
const withLogin = (login: Login | undefined): Credentials => ({ find: async () => login });
const ann: Login = { kind: "password", username: "ann", password: "pässword:x" };

interface TokenServer {
  readonly registry: ScriptedRegistry;
  readonly repository: Repository;
  /** What it was asked for, in order. */
  readonly asked: URL[];
  tokens: number;
}

/**
 * A registry that wants a bearer token, and the server that gives one.
 * @param challenge `ORIGIN` stands for the token server's address
 */
async function start(
  t: ExecutionContext,
  challenge: string,
  credentials?: Credentials,
  validFor = Infinity,
): Promise<TokenServer> {
  const registry = await scriptedRegistry(t);
  const tokens = await scriptedRegistry(t);
  registry.put("team/x", made.blobs, { "1": made.manifest });
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const repository = new Repository(
    { registry: registry.host, repository: "team/x" },
    { dispatchers, credentials, pauseMs: 1, attempts: 2 },
  );
  const server: TokenServer = { registry, repository, asked: [], tokens: 0 };
  let uses = 0;
  tokens.rule = ({ path, method, headers, body }, response) => {
    server.asked.push(new URL(path, tokens.origin));
    const wants = credentials === undefined ? undefined : basic("ann", "pässword:x");
    const isRefresh =
      method === "POST" && new URLSearchParams(body).get("refresh_token") === "idtok";
    if (method === "GET" && headers.authorization !== wants) {
      sendError(response, 401, "UNAUTHORIZED", "wrong login");
    } else if (method === "POST" && !isRefresh) sendError(response, 400, "DENIED", "bad refresh");
    else {
      server.tokens++;
      uses = 0;
      const token = `t${server.tokens}`;
      response.end(JSON.stringify(isRefresh ? { access_token: token } : { token, expires_in: 60 }));
    }
    return true;
  };
  registry.rule = ({ path, headers }, response) => {
    if (path === "/v2/") return false;
    if (headers.authorization === `Bearer t${server.tokens}` && ++uses <= validFor) return false;
    sendError(response, 401, "UNAUTHORIZED", "authentication required", {
      "www-authenticate": challenge.replaceAll("ORIGIN", tokens.origin),
    });
    return true;
  };
  return server;
}

const usual = 'Bearer realm="ORIGIN/token",service="reg",scope="repository:team/x:pull"';

test("an anonymous token is asked for once and used for everything", async (t) => {
  const { repository, registry, asked } = await start(t, usual);
  await repository.manifest("1");
  await repository.document(one, "c");
  await repository.digestOf("1");
  t.is(asked.length, 1);
  t.deepEqual(
    [...(asked[0]?.searchParams ?? [])],
    [
      ["service", "reg"],
      ["scope", "repository:team/x:pull"],
    ],
  );
  t.is(registry.seen.filter(({ headers }) => headers.authorization === undefined).length, 2);
});

test("requests that fail together share one token", async (t) => {
  const { repository, asked } = await start(t, usual);
  await Promise.all(Array.from({ length: 6 }, () => repository.document(one, "c")));
  t.is(asked.length, 1);
});

test("a token that runs out is renewed", async (t) => {
  const { repository, asked } = await start(t, usual, undefined, 2);
  for (let count = 0; count < 6; count++) await repository.document(one, "c");
  t.is(asked.length, 3);
});

test("a login goes to the token server, with its account", async (t) => {
  const { repository, registry, asked } = await start(t, usual, withLogin(ann));
  await repository.manifest("1");
  t.is(asked[0]?.searchParams.get("account"), "ann");
  t.true(registry.seen.every(({ headers }) => headers.authorization?.startsWith("Basic") !== true));
});

test("an identity token is exchanged", async (t) => {
  const { repository, asked } = await start(
    t,
    usual,
    withLogin({ kind: "identity-token", token: "idtok" }),
  );
  await repository.manifest("1");
  t.is(asked.length, 1);
});

test("a scope that stands in the realm is not given twice, and service may be missing", async (t) => {
  const { repository, asked } = await start(
    t,
    'Bearer realm="ORIGIN/proxy_auth?scope=repository:team/x:pull,push"',
  );
  await repository.manifest("1");
  t.deepEqual([...(asked[0]?.searchParams ?? [])], [["scope", "repository:team/x:pull,push"]]);
});

test("where the challenge has no scope, ours is asked for", async (t) => {
  const { repository, asked } = await start(t, 'Bearer realm="ORIGIN/token",service="reg"');
  await repository.manifest("1");
  t.deepEqual(asked[0]?.searchParams.getAll("scope"), ["repository:team/x:pull"]);
});

test("several scopes are several parameters, and basic beside bearer is not used", async (t) => {
  const { repository, asked } = await start(
    t,
    'Basic realm="r", Bearer realm="ORIGIN/token",scope="repository:team/x:pull repository:y:pull"',
  );
  await repository.manifest("1");
  t.deepEqual(asked[0]?.searchParams.getAll("scope"), [
    "repository:team/x:pull",
    "repository:y:pull",
  ]);
});

test("a wrong login is an error that says so, and no endless loop", async (t) => {
  const { repository, asked } = await start(
    t,
    usual,
    withLogin({ kind: "password", username: "ann", password: "wrong" }),
  );
  const error = await t.throwsAsync<TsbuildError>(repository.manifest("1"));
  t.is(error.code, "source/login-needed");
  t.regex(error.message, /wrong login/);
  t.false(error.message.includes("wrong:") || (error.hint ?? "").includes("Basic"));
  t.is(asked.length, 1);
});

test("tokens that are refused for ever are asked for twice at most", async (t) => {
  const { repository, asked } = await start(t, usual, undefined, 0);
  const error = await t.throwsAsync<TsbuildError>(repository.manifest("1"));
  t.is(error.code, "source/login-needed");
  t.true(asked.length <= 2);
});

for (const [realm, why] of [
  ["", "no realm"],
  ["http://token.example/t", "another host over plain http with a registry that speaks https"],
  ["file:///etc/passwd", "no address of a server"],
] as const) {
  test(`a realm that is ${why} is refused`, async (t) => {
    const { repository } = await start(t, `Bearer realm="${realm}"`, withLogin(ann));
    if (realm.startsWith("http:")) {
      // The registry here speaks plain http itself, so only the host can't be found.
      await t.throwsAsync(repository.manifest("1"), { code: "source/unreachable" });
    } else await t.throwsAsync(repository.manifest("1"), { code: "source/registry-failed" });
  });
}

for (const answer of ["", "[]", "{}", '{"token":""}', '{"token":"a\\r\\nX: y"}', '{"token":1}']) {
  test(`a token server that answers ${JSON.stringify(answer)} has failed`, async (t) => {
    const { registry, repository } = await start(t, usual);
    registry.rule = ({ path }, response) => {
      if (path.startsWith("/token")) response.end(answer);
      else if (path === "/v2/") return false;
      else {
        sendError(response, 401, "UNAUTHORIZED", "no", {
          "www-authenticate": `Bearer realm="${registry.origin}/token"`,
        });
      }
      return true;
    };
    await t.throwsAsync(repository.manifest("1"), { code: "source/registry-failed" });
  });
}

test("a registry with basic login gets it only when it asks", async (t) => {
  const registry = await scriptedRegistry(t);
  registry.put("team/x", made.blobs, { "1": made.manifest });
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  const at = (credentials?: Credentials) =>
    new Repository({ registry: registry.host, repository: "team/x" }, { dispatchers, credentials });
  registry.rule = ({ path, headers }, response) => {
    if (path === "/v2/" || headers.authorization === basic("ann", "pässword:x")) return false;
    sendError(response, 401, "UNAUTHORIZED", "no", { "www-authenticate": 'Basic realm="r"' });
    return true;
  };
  await t.notThrowsAsync(at(withLogin(ann)).manifest("1"));
  t.is(registry.seen.filter(({ headers }) => headers.authorization !== undefined).length, 1);
  await t.throwsAsync(at(withLogin(undefined)).manifest("1"), { code: "source/login-needed" });
  await t.throwsAsync(at().manifest("1"), { code: "source/login-needed" });
  const wrong: Login = { kind: "password", username: "ann", password: "no" };
  await t.throwsAsync(at(withLogin(wrong)).manifest("1"), { code: "source/login-needed" });
});

test("a 401 of a storage server is not answered with the login", async (t) => {
  const registry = await scriptedRegistry(t);
  const storage = await scriptedRegistry(t);
  const dispatchers = new Dispatchers();
  t.teardown(() => dispatchers.close());
  storage.rule = (_, response) => {
    sendError(response, 401, "X", "signature", { "www-authenticate": 'Basic realm="r"' });
    return true;
  };
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(307, { location: `${storage.origin}/signed` }).end();
    return true;
  };
  const repository = new Repository(
    { registry: registry.host, repository: "team/x" },
    { dispatchers, credentials: withLogin(ann) },
  );
  await t.throwsAsync(repository.manifest("1"), { code: "source/login-needed" });
  t.true(storage.seen.every(({ headers }) => headers.authorization === undefined));
});
