import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { systemCredentials } from "../../src/oci/credentials.ts";
import { scratch } from "../helpers/scratch.ts";

const auth = (user: string, password: string) => ({
  auth: Buffer.from(`${user}:${password}`).toString("base64"),
});
const login = (username: string, password: string) => ({ kind: "password", username, password });

interface Setting {
  readonly home: string;
  readonly env: Record<string, string>;
  readonly problems: string[];
  readonly find: (registry: string, repository?: string) => Promise<unknown>;
  readonly write: (name: string, value: unknown) => Promise<void>;
  /** A program `docker-credential-NAME` of shell lines. */
  readonly helper: (name: string, script: string) => Promise<void>;
}

async function setting(t: ExecutionContext): Promise<Setting> {
  const home = await scratch(t);
  const problems: string[] = [];
  const env: Record<string, string> = { PATH: `${home}/bin:${process.env["PATH"] ?? ""}` };
  const credentials = systemCredentials({ env, home, onProblem: (one) => problems.push(one) });
  const put = async (file: string, text: string) => {
    await mkdir(dirname(join(home, file)), { recursive: true });
    await writeFile(join(home, file), text);
  };
  return {
    home,
    env,
    problems,
    find: (registry, repository = "team/x") => credentials.find(registry, repository),
    write: (name, value) => put(name, typeof value === "string" ? value : JSON.stringify(value)),
    helper: async (name, script) => {
      await put(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
      await chmod(join(home, "bin", `docker-credential-${name}`), 0o755);
    },
  };
}

const docker = ".docker/config.json";

test("without files and variables everybody is anonymous", async (t) => {
  const { find, problems } = await setting(t);
  t.is(await find("docker.io"), undefined);
  t.deepEqual(problems, []);
});

test("passwords may hold colons, and keys many forms", async (t) => {
  const { find, write } = await setting(t);
  await write(docker, {
    auths: {
      "https://index.docker.io/v1/": auth("hub", "a:b:ü"),
      "quay.io": auth("quay", "1"),
      "https://ghcr.io/v2/": auth("gh", "2"),
      "http://localhost:5000/": auth("local", "3"),
      "registry.example.org": { username: "plain", password: "4" },
      "empty.example.org": {},
      "padded.example.org": { auth: Buffer.from("p:q\0\0").toString("base64") },
      "token.example.org": { ...auth("00000000", ""), identitytoken: "refresh" },
      "bearer.example.org": { registrytoken: "jwt" },
    },
  });
  t.deepEqual(await find("docker.io"), login("hub", "a:b:ü"));
  t.deepEqual(await find("quay.io"), login("quay", "1"));
  t.deepEqual(await find("ghcr.io"), login("gh", "2"));
  t.deepEqual(await find("localhost:5000"), login("local", "3"));
  t.deepEqual(await find("registry.example.org"), login("plain", "4"));
  t.is(await find("empty.example.org"), undefined);
  t.deepEqual(await find("padded.example.org"), login("p", "q"));
  t.deepEqual(await find("token.example.org"), { kind: "identity-token", token: "refresh" });
  t.deepEqual(await find("bearer.example.org"), { kind: "bearer", token: "jwt" });
  t.is(await find("localhost"), undefined);
  t.is(await find("io"), undefined);
});

test("the longest path wins", async (t) => {
  const { find, write } = await setting(t);
  await write(".config/containers/auth.json", {
    auths: {
      "quay.io": auth("host", "1"),
      "quay.io/team": auth("team", "2"),
      "quay.io/team/x": auth("x", "3"),
      "docker.io/library": auth("library", "4"),
    },
  });
  t.deepEqual(await find("quay.io", "other/x"), login("host", "1"));
  t.deepEqual(await find("quay.io", "team/y/z"), login("team", "2"));
  t.deepEqual(await find("quay.io", "team/x"), login("x", "3"));
  t.deepEqual(await find("quay.io", "teammate/x"), login("host", "1"));
  t.deepEqual(await find("docker.io", "library/ubuntu"), login("library", "4"));
});

test("files are asked in order, and each has what the ones before don't", async (t) => {
  const { find, write, env, home } = await setting(t);
  await write(".config/containers/auth.json", {
    auths: { a: auth("podman", "1"), b: auth("podman", "1") },
  });
  t.deepEqual(await find("a"), login("podman", "1"));
  env["XDG_RUNTIME_DIR"] = join(home, "run");
  await write("run/containers/auth.json", { auths: { a: auth("runtime", "1") } });
  t.deepEqual(await find("a"), login("runtime", "1"));
  await write(docker, { auths: { a: auth("docker", "1") } });
  t.deepEqual(await find("a"), login("docker", "1"));
  await write(".apptainer/docker-config.json", { auths: { a: auth("apptainer", "1") } });
  t.deepEqual(await find("a"), login("apptainer", "1"));
  env["REGISTRY_AUTH_FILE"] = join(home, "mine.json");
  await write("mine.json", { auths: { a: auth("explicit", "1") } });
  t.deepEqual(await find("a"), login("explicit", "1"));
  env["SINGULARITY_DOCKER_USERNAME"] = "env";
  t.deepEqual(await find("a"), login("explicit", "1"));
  env["SINGULARITY_DOCKER_PASSWORD"] = "p";
  t.deepEqual(await find("a"), login("env", "p"));
  env["APPTAINER_DOCKER_USERNAME"] = "first";
  env["APPTAINER_DOCKER_PASSWORD"] = "q";
  t.deepEqual(await find("any.example.org"), login("first", "q"));
  for (const name of Object.keys(env)) if (name.includes("DOCKER_")) delete env[name];
  t.deepEqual(await find("b"), login("podman", "1"));
});

test("a broken file is told without its secrets, and the next one is asked", async (t) => {
  const { find, write, problems } = await setting(t);
  await write(docker, '{"auths": {"a": {"auth": "c2VjcmV0"}}');
  await write(".config/containers/auth.json", { auths: { a: auth("podman", "1") } });
  t.deepEqual(await find("a"), login("podman", "1"));
  t.is(problems.length, 1);
  t.regex(problems[0] ?? "", /\.docker\/config\.json can't be used/);
  t.false(problems.join("").includes("c2VjcmV0"));
  await write(docker, "[]");
  await find("a");
  t.is(problems.length, 2);
  await write(docker, "");
  await find("a");
  t.is(problems.length, 2);
});

test("credential helpers are asked as their protocol has it", async (t) => {
  const { find, write, helper, problems } = await setting(t);
  await helper(
    "store",
    'test "$1" = get || exit 2\nread -r host\nprintf \'{"ServerURL":"%s","Username":"at %s","Secret":"s"}\' "$host" "$host"',
  );
  await helper("gone", 'echo "credentials not found in native keychain"; exit 1');
  await helper("token", 'echo \'{"Username":"<token>","Secret":"refresh"}\'');
  await helper("broken", 'echo "no session" >&2; exit 3');
  await helper("chatty", "echo hello");
  await write(docker, {
    auths: { "gone.io": auth("file", "1"), "missing.io": auth("file", "2") },
    credsStore: "store",
    credHelpers: {
      "gone.io": "gone",
      "token.io": "token",
      "broken.io": "broken",
      "chatty.io": "chatty",
      "missing.io": "missing",
      "path.io": "../../bin/sh",
    },
  });
  t.deepEqual(await find("any.io"), login("at any.io", "s"));
  t.deepEqual(await find("docker.io"), login("at https://index.docker.io/v1/", "s"));
  t.deepEqual(await find("token.io"), { kind: "identity-token", token: "refresh" });
  t.deepEqual(await find("gone.io"), login("file", "1"));
  t.deepEqual(problems, []);
  t.is(await find("broken.io"), undefined);
  t.regex(problems.pop() ?? "", /docker-credential-broken failed: no session/);
  t.is(await find("chatty.io"), undefined);
  t.regex(problems.pop() ?? "", /docker-credential-chatty can't be used/);
  t.deepEqual(await find("missing.io"), login("file", "2"));
  t.regex(problems.pop() ?? "", /docker-credential-missing/);
  t.is(await find("path.io"), undefined);
  t.regex(problems.pop() ?? "", /can't be the name/);
});
