import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import {
  daemonAddress,
  daemonHost,
  daemonImageName,
  saveFromDaemon,
} from "../../src/oci/docker-daemon.ts";
import { dockerDaemonSource } from "../../src/source/docker-daemon.ts";
import { dockerArchiveFiles, tarOf } from "../helpers/oci-image.ts";
import { usual, usualTexts } from "../helpers/open-image.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

const saved = tarOf(dockerArchiveFiles([{ image: usual, tags: ["team/x:latest"] }]));

/** A daemon on a socket in the folder that answers as the real one does. */
async function daemon(
  t: ExecutionContext,
  folder: string,
  answer: RequestListener,
): Promise<string> {
  const socket = join(folder, "docker.sock");
  const server = createServer(answer).listen(socket);
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `unix://${socket}`;
}

test.serial("an image of the daemon is saved and opened", async (t) => {
  const context = await sourceContext(t);
  const asked: (string | undefined)[] = [];
  const before = process.env["DOCKER_HOST"];
  process.env["DOCKER_HOST"] = await daemon(t, context.folder, (request, response) => {
    asked.push(request.url);
    response.end(saved);
  });
  try {
    const base = await dockerDaemonSource.open(new Map([["from", "team/x"]]), context);
    t.teardown(() => base.dispose?.());
    t.deepEqual(await textsOf(base.tree), usualTexts);
    t.deepEqual(base.ociConfig, { Env: ["A=b"], Cmd: ["x"] });
    t.deepEqual(asked, ["/images/team/x%3Alatest/get"]);
  } finally {
    if (before === undefined) delete process.env["DOCKER_HOST"];
    else process.env["DOCKER_HOST"] = before;
  }
});

async function fails(
  t: ExecutionContext,
  answer: RequestListener | undefined,
): Promise<TsbuildError> {
  const context = await sourceContext(t);
  const host = answer && (await daemon(t, context.folder, answer));
  const env = { DOCKER_HOST: host ?? `unix://${context.folder}/none.sock` };
  const error = await t.throwsAsync<TsbuildError>(saveFromDaemon("x", { ...context, env }));
  t.truthy(error.hint);
  return error;
}

test("an image that the daemon doesn't have", async (t) => {
  const error = await fails(t, (_, response) => {
    response.writeHead(404).end('{"message":"No such image: x:latest"}');
  });
  t.is(error.code, "source/not-found");
});

test("a daemon that fails, that breaks off, and that is not there", async (t) => {
  const failing = await fails(t, (_, response) => {
    response.writeHead(500).end('{"message":"disk\\nbroken"}');
  });
  t.is(failing.code, "source/no-daemon");
  t.regex(failing.message, /status 500.*disk/);
  const broken = await fails(t, (_, response) => {
    response.writeHead(200, { "content-length": saved.length });
    response.write(saved.subarray(0, 5000), () => setTimeout(() => response.destroy(), 10));
  });
  t.is(broken.code, "source/no-daemon");
  const none = await fails(t, undefined);
  t.is(none.code, "source/no-daemon");
  t.regex(none.message, /none\.sock/);
});

test("an interrupt ends the saving", async (t) => {
  const controller = new AbortController();
  const context = await sourceContext(t, { signal: controller.signal });
  const host = await daemon(t, context.folder, (_, response) => {
    response.write(saved.subarray(0, 1000));
    setTimeout(() => controller.abort(new Error("Ctrl-C")), 30);
  });
  const saving = saveFromDaemon("x", { ...context, env: { DOCKER_HOST: host } });
  await t.throwsAsync(saving, { message: "Ctrl-C" });
  t.true((await readdir(context.temporaryFolder)).length <= 1);
});

test("the names that a daemon is asked for", (t) => {
  t.is(daemonImageName("ubuntu"), "ubuntu:latest");
  t.is(daemonImageName("ubuntu:latest"), "ubuntu:latest");
  t.is(daemonImageName("ubuntu:22.04"), "ubuntu:22.04");
  t.is(daemonImageName("localhost:5000/a/b"), "localhost:5000/a/b:latest");
  const id = "0123456789ab".repeat(5) + "cdef";
  t.is(daemonImageName(id), id);
  t.is(daemonImageName(`sha256:${id}`), `sha256:${id}`);
  t.is(daemonImageName(id.slice(0, 12)), id.slice(0, 12));
  t.throws(() => daemonImageName("Ubuntu"), { code: "source/bad-reference" });
  t.throws(() => daemonImageName(""), { code: "source/bad-reference" });
});

test("the ways to say where the daemon is", (t) => {
  t.deepEqual(daemonAddress(undefined, false), {
    socketPath: "/var/run/docker.sock",
    origin: "http://localhost",
  });
  t.is(
    daemonAddress("unix:///run/user/1000/podman/podman.sock", false).socketPath,
    "/run/user/1000/podman/podman.sock",
  );
  t.deepEqual(daemonAddress("tcp://10.0.0.1:2375", false), { origin: "http://10.0.0.1:2375" });
  t.deepEqual(daemonAddress("tcp://10.0.0.1:2376", true), { origin: "https://10.0.0.1:2376" });
  for (const wrong of [
    "ssh://me@host",
    "npipe:////./pipe/x",
    "docker.sock",
    "tcp://",
    "unix://x",
  ]) {
    const error = t.throws<TsbuildError>(() => daemonAddress(wrong, false));
    t.is(error.code, "source/docker-host");
  }
});

const none = () => false;

test("a daemon is looked for where variables say, then at Docker's and Podman's sockets", (t) => {
  t.is(daemonHost({ DOCKER_HOST: "tcp://a:1", CONTAINER_HOST: "tcp://b:1" }, none), "tcp://a:1");
  t.is(daemonHost({ CONTAINER_HOST: "unix:///b" }, none), "unix:///b");
  t.is(daemonHost({}, none), undefined);
  const env = { XDG_RUNTIME_DIR: "/run/user/7" };
  for (const path of [
    "/var/run/docker.sock",
    "/run/user/7/docker.sock",
    "/run/user/7/podman/podman.sock",
    "/run/podman/podman.sock",
  ]) {
    t.is(
      daemonHost(env, (one) => one === path),
      `unix://${path}`,
    );
  }
});

test("the option names another daemon than the variable", async (t) => {
  const context = await sourceContext(t);
  const dockerHost = await daemon(t, context.folder, (_, response) => void response.end(saved));
  const base = await dockerDaemonSource.open(new Map([["from", "team/x"]]), {
    ...context,
    access: { dockerHost },
  });
  t.teardown(() => base.dispose?.());
  t.deepEqual(await textsOf(base.tree), usualTexts);
});
