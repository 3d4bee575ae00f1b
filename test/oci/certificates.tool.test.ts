import { createServer, type ServerOptions } from "node:https";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer as createNetServer, connect } from "node:net";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import type { TsbuildError } from "../../src/model/error.ts";
import { Dispatchers, type DispatcherOptions } from "../../src/oci/dispatchers.ts";
import { Repository } from "../../src/oci/repository.ts";
import { listen } from "../helpers/loopback.ts";
import { image, textLayer } from "../helpers/oci-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { makeAuthority, makeCertificate } from "../helpers/site-certificates.ts";
import { toolTest } from "../helpers/tool.ts";

const made = image([textLayer({ a: "a" })]);

interface Site {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
}

/** A registry with a certificate of an authority that nobody knows. */
async function site(t: ExecutionContext, options: ServerOptions = {}): Promise<Site> {
  const folder = await scratch(t);
  await makeAuthority(folder);
  const certificate = await makeCertificate(folder, "host", ["DNS:registry.test", "IP:127.0.0.1"]);
  const server = createServer({ ...certificate, ...options }, (_, response) => {
    response.writeHead(200, { "content-type": made.manifest.mediaType });
    response.end(made.manifest.bytes);
  });
  const port = await listen(t, server);
  return { folder, host: `127.0.0.1:${port}`, port };
}

function repositoryOf(t: ExecutionContext, registry: string, dispatchers: Dispatchers): Repository {
  t.teardown(() => dispatchers.close());
  return new Repository({ registry, repository: "x" }, { dispatchers, attempts: 2, pauseMs: 1 });
}

toolTest(
  ["openssl"],
  "a registry with a certificate of the site is read once its authority is known",
  async (t) => {
    const { folder, host } = await site(t);
    const unknown = repositoryOf(t, host, new Dispatchers({ env: {}, hostFolders: [] }));
    const error = await t.throwsAsync<TsbuildError>(unknown.manifest("1"));
    t.is(error.code, "source/unreachable");
    t.regex(error.message, /certificate is not trusted/);
    t.regex(error.hint ?? "", /SSL_CERT_FILE/);

    const file = { env: { SSL_CERT_FILE: join(folder, "ca.crt") }, hostFolders: [] };
    const byFile = repositoryOf(t, host, new Dispatchers(file));
    // Several at once: each meets the unknown certificate by itself.
    const all = await Promise.all([1, 2, 3, 4].map(() => byFile.manifest("1")));
    for (const { bytes } of all) t.true(bytes.equals(made.manifest.bytes));

    await mkdir(join(folder, "certs.d", host), { recursive: true });
    await execa("cp", ["ca.crt", join("certs.d", host, "ca.crt")], { cwd: folder });
    const byHost = { env: {}, hostFolders: [join(folder, "certs.d")] };
    await t.notThrowsAsync(repositoryOf(t, host, new Dispatchers(byHost)).manifest("1"));
    const byFolder = { env: { SSL_CERT_DIR: `/nowhere:${folder}` }, hostFolders: [] };
    await t.notThrowsAsync(repositoryOf(t, host, new Dispatchers(byFolder)).manifest("1"));
  },
);

toolTest(["openssl"], "a registry is read through the proxy of the environment", async (t) => {
  const { folder, port } = await site(t);
  const asked: string[] = [];
  const proxy = createNetServer((client) => {
    client.on("error", () => undefined);
    client.once("data", (head) => {
      asked.push(head.toString("latin1").split("\r\n")[0] ?? "");
      const server = connect(port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      server.on("error", () => client.destroy());
      t.teardown(() => {
        server.destroy();
        client.destroy();
      });
    });
  });
  const proxyPort = await listen(t, proxy);
  const env = {
    SSL_CERT_FILE: join(folder, "ca.crt"),
    HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`,
  };
  const repository = repositoryOf(t, "registry.test", new Dispatchers({ env, hostFolders: [] }));
  t.true((await repository.manifest("1")).bytes.equals(made.manifest.bytes));
  t.true(
    asked.every((line) => line === "CONNECT registry.test:443 HTTP/1.1"),
    asked.join(),
  );
});

toolTest(
  ["openssl"],
  "a registry that asks who we are is shown the certificate of its folder in certs.d",
  async (t) => {
    const ownFolder = await scratch(t);
    await makeAuthority(ownFolder);
    const mine = await makeCertificate(ownFolder, "client", ["DNS:ann"]);
    const { folder, host } = await site(t, {
      requestCert: true,
      rejectUnauthorized: true,
      ca: await readFile(join(ownFolder, "ca.crt")),
      // Later versions don't tell a client before it has sent its request, when undici doesn't listen any more.
      maxVersion: "TLSv1.2",
    });
    const hostFolder = join(folder, "certs.d", host);
    await mkdir(hostFolder, { recursive: true });
    await copyFile(join(folder, "ca.crt"), join(hostFolder, "ca.crt"));
    const ask = (options: DispatcherOptions) =>
      repositoryOf(t, host, new Dispatchers({ env: {}, ...options })).manifest("1");
    const byHost = { hostFolders: [join(folder, "certs.d")] };

    const without = await t.throwsAsync<TsbuildError>(ask(byHost));
    t.is(without.code, "source/unreachable");
    t.regex(without.message, /it wants a certificate of yours/);
    t.regex(without.hint ?? "", /client\.cert/);

    await writeFile(join(hostFolder, "client.cert"), mine.cert);
    const alone = await t.throwsAsync<TsbuildError>(ask(byHost));
    t.is(alone.code, "source/bad-certificate");
    await writeFile(join(hostFolder, "client.key"), mine.key);
    t.true((await ask(byHost)).bytes.equals(made.manifest.bytes));
    // The same folder, named for all hosts.
    t.true((await ask({ hostFolders: [], folder: hostFolder })).bytes.equals(made.manifest.bytes));

    await writeFile(join(hostFolder, "client.key"), "no key");
    const broken = await t.throwsAsync<TsbuildError>(ask(byHost));
    t.is(broken.code, "source/bad-certificate");
  },
);
