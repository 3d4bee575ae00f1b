import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
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
 */
export async function startRegistry(
  t: ExecutionContext,
  options: { readonly htpasswd?: string } = {},
): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "tsbuild-registry-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const auth =
      options.htpasswd === undefined
        ? ""
        : `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n`;
    await writeFile(`${folder}/htpasswd`, options.htpasswd ?? "");
    await writeFile(
      `${folder}/config.yml`,
      `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n` +
        `storage: {filesystem: {rootdirectory: ${folder}}, delete: {enabled: true}}\n${auth}` +
        `http: {addr: "127.0.0.1:${port}"}\n`,
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
      await fetch(`http://127.0.0.1:${port}/v2/`);
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
