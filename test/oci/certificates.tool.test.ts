import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { mkdir, readFile } from "node:fs/promises";
import { createServer as createNetServer, connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import type { TsbuildError } from "../../src/model/error.ts";
import { Dispatchers } from "../../src/oci/dispatchers.ts";
import { Repository } from "../../src/oci/repository.ts";
import { image, textLayer } from "../helpers/oci-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

const made = image([textLayer({ a: "a" })]);

interface Site {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
}

/** A registry with a certificate of an authority that nobody knows. */
async function site(t: ExecutionContext): Promise<Site> {
  const folder = await scratch(t);
  const run = (command: string) => execa("sh", ["-ec", command], { cwd: folder });
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  await run(`openssl req -x509 ${key} -keyout ca.key -out ca.crt -subj '/CN=Site CA' -days 2
    openssl req ${key} -keyout host.key -out host.csr -subj /CN=localhost
    echo subjectAltName=DNS:registry.test,IP:127.0.0.1 > ext
    openssl x509 -req -in host.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out host.crt -days 2 -extfile ext`);
  const server: Server = createServer(
    {
      key: await readFile(join(folder, "host.key")),
      cert: await readFile(join(folder, "host.crt")),
    },
    (_, response) => {
      response.writeHead(200, { "content-type": made.manifest.mediaType });
      response.end(made.manifest.bytes);
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
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
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.teardown(() => proxy.close());
  const before = process.env["HTTPS_PROXY"];
  process.env["HTTPS_PROXY"] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    const env = { SSL_CERT_FILE: join(folder, "ca.crt") };
    const repository = repositoryOf(t, "registry.test", new Dispatchers({ env, hostFolders: [] }));
    t.true((await repository.manifest("1")).bytes.equals(made.manifest.bytes));
    t.true(
      asked.every((line) => line === "CONNECT registry.test:443 HTTP/1.1"),
      asked.join(),
    );
  } finally {
    if (before === undefined) delete process.env["HTTPS_PROXY"];
    else process.env["HTTPS_PROXY"] = before;
  }
});
