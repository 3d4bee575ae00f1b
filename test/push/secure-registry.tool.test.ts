// A real registry that speaks https alone, with a certificate of the site, and takes the tokens of a service alone: the
// way that public registries are. What the registry thinks of a token is the judgement.

import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { tsbuild } from "../helpers/build.ts";
import { image, layoutFiles, textLayer, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry } from "../helpers/registry.ts";
import { scratch } from "../helpers/scratch.ts";
import {
  makeAuthority,
  makeCertificate,
  type HostCertificate,
} from "../helpers/site-certificates.ts";
import { toolTest } from "../helpers/tool.ts";

const service = "registry.test";
const login = "ann:geheim";

interface TokenService {
  readonly realm: string;
  /** `user scope` of each token that was given, the user empty for nobody. */
  readonly given: string[];
}

/** Gives tokens to read to everybody, and to write to who logs in (distribution's token specification). */
async function tokenService(
  t: ExecutionContext,
  certificate: HostCertificate,
): Promise<TokenService> {
  const given: string[] = [];
  const server = createServer(certificate, (request, response) => {
    const url = new URL(request.url ?? "", "https://x");
    const [kind, sent = ""] = (request.headers.authorization ?? "").split(" ");
    const known = kind === "Basic" && Buffer.from(sent, "base64").toString() === login;
    if (sent !== "" && !known) {
      response.writeHead(401).end();
      return;
    }
    const scopes = url.searchParams.getAll("scope").flatMap((text) => text.split(" "));
    const access = scopes.map((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      const asked = actions.split(",");
      return { type, name, asked, actions: asked.filter((one) => known || one === "pull") };
    });
    // Registries name what may be done in any order.
    const sorted = access.map(({ type, name, asked }) => [type, name, asked.toSorted()].join(":"));
    given.push(`${known ? "ann" : ""} ${sorted.join(" ")}`);
    response.end(JSON.stringify({ token: tokenFor(certificate, access), expires_in: 300 }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { realm: `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`, given };
}

const scope = (name: string) => ["pull", "pull,push"].map((may) => `ann repository:${name}:${may}`);

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JSON Web Token with the certificate of who signs it (RFC 7515, `x5c`). */
function tokenFor({ key, cert }: HostCertificate, access: readonly object[]): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const x5c = [new X509Certificate(cert).raw.toString("base64")];
  const claims = {
    iss: "test",
    sub: "ann",
    aud: service,
    exp: nowSeconds + 300,
    nbf: nowSeconds - 10,
    iat: nowSeconds - 10,
    jti: randomUUID(),
    access,
  };
  const text = `${part({ typ: "JWT", alg: "ES256", x5c })}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(text), {
    key: createPrivateKey(key),
    dsaEncoding: "ieee-p1363",
  });
  return `${text}.${signature.toString("base64url")}`;
}

toolTest(
  ["docker-registry", "skopeo", "openssl"],
  "a registry with https and a token service is read by everybody and written to with a login",
  async (t) => {
    const folder = await scratch(t);
    await makeAuthority(folder);
    const certificate = await makeCertificate(folder, "host", ["IP:127.0.0.1"]);
    const tokens = await tokenService(t, certificate);
    const { host } = await startRegistry(t, {
      tls: { certificate: join(folder, "host.crt"), key: join(folder, "host.key") },
      token: { realm: tokens.realm, service, rootFile: join(folder, "ca.crt") },
    });
    const made = image([textLayer({ a: "a" })], { tag: "1" });
    await writeFiles(join(folder, "layout"), layoutFiles([made.manifest], made.blobs));
    const trusted = join(folder, "trusted");
    await mkdir(trusted);
    await copyFile(join(folder, "ca.crt"), join(trusted, "ca.crt"));
    // skopeo fills it,
    const skopeo = (...words: string[]) =>
      execa("skopeo", words, { env: { SSL_CERT_FILE: join(folder, "ca.crt") } });
    const layout = `oci:${folder}/layout:1`;
    await skopeo("copy", "-q", "--dest-creds", login, layout, `docker://${host}/team/x:1`);
    const env = {
      HOME: folder,
      TSBUILD_CACHEDIR: join(folder, "cache"),
      SSL_CERT_FILE: join(folder, "ca.crt"),
    };
    const run = (words: readonly string[], more: Record<string, string> = {}) =>
      tsbuild(words, { cwd: folder, env: { ...env, ...more } });

    // everybody builds from it,
    tokens.given.length = 0;
    const built = await run(["build", "x.sif", `docker://${host}/team/x:1`]);
    t.is(built.exitCode, 0, built.stderr);
    t.deepEqual(tokens.given, [" repository:team/x:pull"]);
    // without the site's authority nobody does,
    const strange = await run(["build", "--disable-cache", "y.sif", `docker://${host}/team/x:1`], {
      SSL_CERT_FILE: "/etc/ssl/certs/ca-certificates.crt",
    });
    t.is(strange.exitCode, 4);
    t.regex(strange.stderr, /certificate is not trusted/);
    // and writing takes a login.
    const targets = [`oras://${host}/team/sif:1`, `docker://${host}/team/again:1`];
    for (const target of targets) {
      const refused = await run(["push", "x.sif", target]);
      t.is(refused.exitCode, 4, refused.stderr);
      t.regex(refused.stderr, /push\/login-needed|push\/forbidden/);
    }
    const auth = Buffer.from(login).toString("base64");
    await mkdir(join(folder, ".docker"));
    await writeFile(
      join(folder, ".docker/config.json"),
      JSON.stringify({ auths: { [host]: { auth } } }),
    );
    tokens.given.length = 0;
    for (const target of targets) {
      const pushed = await run(["push", "x.sif", target]);
      t.is(pushed.exitCode, 0, pushed.stderr);
    }
    // Looking whether a blob is there takes less than bringing it.
    t.deepEqual(new Set(tokens.given), new Set([...scope("team/sif"), ...scope("team/again")]));
    // What came there is what skopeo reads, and the file that it was.
    const { stdout } = await skopeo("inspect", "--raw", `docker://${host}/team/again:1`);
    t.is((JSON.parse(stdout) as { layers: unknown[] }).layers.length, 1);
    const pulled = await run(["pull", "again.sif", targets[0] ?? ""]);
    t.is(pulled.exitCode, 0, pulled.stderr);
    t.true(
      (await readFile(join(folder, "again.sif"))).equals(await readFile(join(folder, "x.sif"))),
    );
    // A wrong login is told as such, and nobody is asked without end.
    await writeFile(
      join(folder, ".docker/config.json"),
      JSON.stringify({ auths: { [host]: { auth: Buffer.from("ann:wrong").toString("base64") } } }),
    );
    const wrong = await run(["push", "x.sif", targets[0] ?? ""]);
    t.is(wrong.exitCode, 4);
    t.regex(wrong.stderr, /login/);
    t.false(wrong.stderr.includes("wrong"));
  },
);
