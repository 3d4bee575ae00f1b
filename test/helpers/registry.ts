import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { ExecutionContext } from "ava";

export interface TestRegistry {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Where it keeps blobs: `docker/registry/v2/blobs/sha256/ab/abcd…/data`. */
  readonly folder: string;
}

/**
 * A real registry (Debian's docker-registry) on a free port of the loopback, ended when the test is.
 * @param options.htpasswd lines of a password file (bcrypt); without it everybody may read and write
 * @param options.tls files of a certificate and its key: the registry speaks https alone
 * @param options.token it takes the tokens of a service alone, which signs them with the key of a certificate that the
 *   authority in `rootFile` vouches for
 */
export async function startRegistry(
  t: ExecutionContext,
  options: {
    readonly htpasswd?: string;
    readonly tls?: { readonly certificate: string; readonly key: string };
    readonly token?: {
      readonly realm: string;
      readonly service: string;
      readonly rootFile: string;
    };
  } = {},
): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-registry-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const { htpasswd, tls, token } = options;
    const auth =
      token !== undefined
        ? `auth: {token: {realm: "${token.realm}", service: ${token.service}, issuer: test, rootcertbundle: ${token.rootFile}}}\n`
        : htpasswd !== undefined
          ? `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n`
          : "";
    const secure =
      tls === undefined ? "" : `, tls: {certificate: ${tls.certificate}, key: ${tls.key}}`;
    await writeFile(`${folder}/htpasswd`, htpasswd ?? "");
    await writeFile(
      `${folder}/config.yml`,
      `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n` +
        `storage: {filesystem: {rootdirectory: ${folder}}, delete: {enabled: true}}\n${auth}` +
        `http: {addr: "127.0.0.1:${port}"${secure}}\n`,
    );
    const registry = spawn("docker-registry", ["serve", `${folder}/config.yml`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    registry.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const ended = once(registry, "exit").then(() => "ended");
    t.teardown(async () => {
      registry.kill("SIGKILL");
      await ended;
    });
    if ((await Promise.race([ended, answers(port)])) !== "ended") {
      return { port, host: `127.0.0.1:${port}`, folder };
    }
    if (attempt >= 3) throw new Error(`docker-registry does not start: ${said}`);
  }
}

async function answers(port: number): Promise<string> {
  for (let attempt = 0; attempt < 400; attempt++) {
    try {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
      return "answers";
    } catch {
      await setTimeout(25);
    }
  }
  return "ended";
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
