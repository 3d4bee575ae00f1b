// Logins: kept where others find them, taken back, and never shown to anybody.

import { chmod, lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { checkout, startTsbuild, tsbuild } from "../helpers/build.ts";
import { apptainer, haveApptainer } from "../helpers/apptainer.ts";
import { faultProxy, pass } from "../helpers/fault-proxy.ts";
import { image, layoutFiles, textLayer, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry } from "../helpers/registry.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, toolTest } from "../helpers/tool.ts";

// bcrypt of "geheim"
const htpasswd = "ann:$2b$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n";
const pair = Buffer.from("ann:geheim").toString("base64");
const made = image([textLayer({ "etc/": "", "etc/a": "a" })], { tag: "1" });

interface Place {
  readonly host: string;
  readonly folder: string;
  readonly home: string;
  readonly file: string;
  readonly run: (
    words: readonly string[],
    input?: string,
    more?: Record<string, string>,
  ) => Promise<Run>;
}

interface Run {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A registry that wants a login, with an image, and somebody without any. */
async function place(t: ExecutionContext): Promise<Place> {
  const folder = await scratch(t);
  const { host } = await startRegistry(t, { htpasswd });
  const layout = join(folder, "layout");
  await writeFiles(layout, layoutFiles([made.manifest], made.blobs));
  const to = `docker://${host}/team/x:1`;
  await execa("skopeo", [
    "copy",
    "-q",
    "--dest-tls-verify=false",
    "--dest-creds=ann:geheim",
    `oci:${layout}:1`,
    to,
  ]);
  const home = join(folder, "home");
  await mkdir(home);
  const env = { HOME: home, TSBUILD_CACHEDIR: join(folder, "cache") };
  return {
    host,
    folder,
    home,
    file: join(home, ".apptainer", "docker-config.json"),
    run: (words, input, more = {}) =>
      input === undefined
        ? tsbuild(words, { cwd: folder, env: { ...env, ...more } })
        : runWithInput(words, folder, { ...env, ...more }, input),
  };
}

/** As people do: `printf geheim | tsbuild login …`. */
async function runWithInput(
  words: readonly string[],
  cwd: string,
  env: Record<string, string>,
  input: string,
): Promise<Run> {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [join(checkout, "bin/tsbuild.cjs"), ...words],
    {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      extendEnv: false,
      reject: false,
      input,
      stripFinalNewline: false,
    },
  );
  return { exitCode, stdout, stderr };
}

const tools = ["docker-registry", "skopeo"];

toolTest(
  tools,
  "a login is tried, kept for oneself alone, used by builds, and taken back",
  async (t) => {
    const { host, file, folder, run } = await place(t);
    const wrong = await run(["login", "-u", "ann", "--password-stdin", host], "falsch\n");
    t.is(wrong.exitCode, 4);
    t.regex(wrong.stderr, /refuses this login of ann[^]*code: login\/refused/);
    await t.throwsAsync(stat(file), { code: "ENOENT" });
    t.regex(
      (await run(["build", "x.sif", `docker://${host}/team/x:1`])).stderr,
      /source\/login-needed/,
    );

    const right = await run(
      ["login", "--username", "ann", "--password-stdin", `docker://${host}/`],
      "geheim\n",
    );
    t.is(right.exitCode, 0, right.stderr);
    t.true(right.stdout.startsWith(`Logged in to ${host} as ann. The login is in ${file}`));
    t.is((await stat(file)).mode & 0o777, 0o600);
    t.is((await stat(join(file, ".."))).mode & 0o777, 0o700);
    t.deepEqual(JSON.parse(await readFile(file, "utf8")), { auths: { [host]: { auth: pair } } });
    const built = await run(["build", "x.sif", `docker://${host}/team/x:1`]);
    t.is(built.exitCode, 0, built.stderr);
    // A program that is not ours reads it too.
    await execa("skopeo", [
      "inspect",
      "--tls-verify=false",
      `--authfile=${file}`,
      `docker://${host}/team/x:1`,
    ]);

    t.is((await run(["logout", host])).stdout, `Logged out of ${host}.\n`);
    t.is((await run(["logout", host])).stdout, `There was no login to ${host}.\n`);
    t.deepEqual(JSON.parse(await readFile(file, "utf8")), { auths: {} });
    t.deepEqual(await readdir(join(file, "..")), ["docker-config.json"]);
    t.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith("tsbuild-")),
      [],
    );
  },
);

hostTest(
  "root and Apptainer",
  haveApptainer,
  "Apptainer pulls with the login that was kept",
  async (t) => {
    const { host, file, folder, run } = await place(t);
    const pull = (env: Record<string, string>) =>
      apptainer(["pull", "--force", "--no-https", "a.sif", `docker://${host}/team/x:1`], {
        cwd: folder,
        env,
      });
    const env = { APPTAINER_CONFIGDIR: join(file, "..") };
    t.not((await pull(env)).exitCode, 0);
    await run(["login", "-u", "ann", "--password-stdin", host], "geheim");
    const pulled = await pull(env);
    t.is(pulled.exitCode, 0, pulled.stderr);
  },
);

toolTest(tools, "what else is in the file of logins stays, also behind a link", async (t) => {
  const { host, home, file, run } = await place(t);
  const other = {
    auths: { "other.example": { auth: "eA==" } },
    HttpHeaders: { "User-Agent": "x" },
  };
  await mkdir(join(home, ".apptainer"));
  const real = join(home, "dotfiles.json");
  await writeFile(
    real,
    JSON.stringify({
      ...other,
      auths: { ...other.auths, [`https://${host}/v2/`]: { auth: "b2xk" } },
    }),
  );
  await symlink(real, file);
  t.is((await run(["login", "-u", "ann", "--password-stdin", host], "geheim")).exitCode, 0);
  t.true((await lstat(file)).isSymbolicLink());
  t.deepEqual(JSON.parse(await readFile(real, "utf8")), {
    ...other,
    auths: { ...other.auths, [host]: { auth: pair } },
  });
  t.is((await stat(real)).mode & 0o777, 0o600);
  await run(["logout", host]);
  t.deepEqual(JSON.parse(await readFile(real, "utf8")), other);

  await writeFile(real, "{ my notes");
  const refused = await run(["login", "-u", "ann", "--password-stdin", host], "geheim");
  t.is(refused.exitCode, 7);
  t.regex(refused.stderr, /login\/bad-file/);
  t.is(await readFile(real, "utf8"), "{ my notes");
});

toolTest(
  tools,
  "files that are named are used: --authfile, and the variable that Podman has too",
  async (t) => {
    const { host, folder, run, file } = await place(t);
    const named = join(folder, "logins.json");
    await run(
      ["login", "-u", "ann", "--password-stdin", "--authfile", "logins.json", host],
      "geheim",
    );
    const words = ["build", "--disable-cache", "--force", "x.sif", `docker://${host}/team/x:1`];
    t.is((await run(words)).exitCode, 4);
    t.is(
      (await run([...words.slice(0, 2), "--authfile", "logins.json", ...words.slice(2)])).exitCode,
      0,
    );
    t.is((await run(words, undefined, { REGISTRY_AUTH_FILE: named })).exitCode, 0);
    t.is(
      (
        await run(words, undefined, {
          APPTAINER_DOCKER_USERNAME: "ann",
          APPTAINER_DOCKER_PASSWORD: "geheim",
        })
      ).exitCode,
      0,
    );
    await run(["login", "-u", "ann", "--password-stdin", host], "geheim");
    t.truthy(await stat(file));
    const out = await run(["logout", host], undefined, { REGISTRY_AUTH_FILE: named });
    t.is(
      out.stdout,
      `Logged out of ${host}.\n${file} has a login to it as well, which is still used.\n`,
    );
  },
);

toolTest(
  tools,
  "a credential helper that is set up keeps the login, and no file does",
  async (t) => {
    const { host, home, file, folder, run } = await place(t);
    const programs = join(folder, "programs");
    await mkdir(programs);
    const helper = join(programs, "docker-credential-box");
    // Keeps one login in a file, as the protocol has it.
    await writeFile(
      helper,
      `#!/bin/sh
box=${folder}/box
case $1 in
  store) cat >"$box" ;;
  erase) cat >/dev/null; rm -f "$box" ;;
  get) cat >/dev/null; if [ -e "$box" ]; then cat "$box"; else echo "credentials not found in native keychain"; exit 1; fi ;;
esac
`,
    );
    await chmod(helper, 0o755);
    const path = { PATH: `${programs}:${process.env["PATH"]}` };
    await mkdir(join(home, ".docker"));
    await writeFile(
      join(home, ".docker", "config.json"),
      JSON.stringify({ credHelpers: { [host]: "box" } }),
    );
    const kept = await run(["login", "-u", "ann", "--password-stdin", host], "geheim", path);
    t.is(kept.exitCode, 0, kept.stderr);
    t.regex(kept.stdout, /The login is in docker-credential-box\.\n$/);
    t.deepEqual(JSON.parse(await readFile(join(folder, "box"), "utf8")), {
      ServerURL: host,
      Username: "ann",
      Secret: "geheim",
    });
    await t.throwsAsync(stat(file), { code: "ENOENT" });
    t.is((await run(["build", "x.sif", `docker://${host}/team/x:1`], undefined, path)).exitCode, 0);
    t.is((await run(["logout", host], undefined, path)).stdout, `Logged out of ${host}.\n`);
    await t.throwsAsync(stat(join(folder, "box")), { code: "ENOENT" });

    await writeFile(helper, '#!/bin/sh\nread -r all; echo "no: $all"; exit 1\n');
    const failed = await run(["login", "-u", "ann", "--password-stdin", host], "geheim", path);
    t.is(failed.exitCode, 6);
    t.regex(failed.stderr, /docker-credential-box store failed: no:/);
    t.false(failed.stderr.includes("geheim"));
  },
);

toolTest(
  [...tools, "script"],
  "at a terminal name and password are asked for, and the password is not shown",
  async (t) => {
    const { host, folder, home, file } = await place(t);
    const program = `${process.execPath} ${join(checkout, "bin/tsbuild.cjs")}`;
    const session = execa("script", ["-qec", `${program} login ${host}`, "/dev/null"], {
      cwd: folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: home,
        TERM: "xterm",
        TSBUILD_CACHEDIR: join(folder, "cache"),
      },
      extendEnv: false,
      reject: false,
      stdin: "pipe",
    });
    let seen = "";
    const answers: [RegExp, string][] = [
      [/Username: /, "ann\r"],
      [/Password: /, "geheim\r"],
    ];
    session.stdout.on("data", (text: Buffer) => {
      seen += text.toString();
      const next = answers[0];
      if (next !== undefined && next[0].test(seen)) {
        answers.shift();
        session.stdin.write(next[1]);
      }
    });
    const { exitCode } = await session;
    t.is(exitCode, 0, seen);
    t.regex(seen, /Logged in to .* as ann/);
    t.false(seen.includes("geheim"));
    t.true((await readFile(file, "utf8")).includes(pair));
  },
);

toolTest(
  tools,
  "secrets are in no output, image, plan, log or cache, however much is told",
  async (t) => {
    const { host, folder, file, run } = await place(t);
    const proxy = await faultProxy(t, { port: Number(host.split(":")[1]) });
    // Tokens are secrets too; a layer fails on its way, so that errors and retries are told.
    proxy.fault = ({ path, headers, count }, response) => {
      if (path.startsWith("/token")) {
        response.end(JSON.stringify({ token: "tokengeheim" }));
        return true;
      }
      if (headers["authorization"] === "Bearer tokengeheim") {
        const layer = made.layers[0]?.blob;
        if (path.includes(layer?.digest ?? "") && count === 0) return (response.destroy(), true);
        const known = made.blobs.find(({ digest }) => path.endsWith(digest));
        const body = (path.endsWith("/1") ? made.manifest : known)?.bytes ?? Buffer.alloc(0);
        const found = path.endsWith("/1") ? made.manifest : known;
        const about = {
          "docker-content-digest": found?.digest ?? "",
          "content-type": found?.mediaType ?? "",
        };
        return (pass(response, { status: 200, headers: about, body }), true);
      }
      const challenge = `Bearer realm="${proxy.origin}/token",service="s"`;
      return (
        pass(response, {
          status: 401,
          headers: { "www-authenticate": challenge },
          body: Buffer.alloc(0),
        }),
        true
      );
    };
    const temporary = join(folder, "tmp");
    await mkdir(temporary);
    const more = { TSBUILD_TMPDIR: temporary, SOURCE_DATE_EPOCH: "1700000000" };
    const outputs: string[] = [];
    const tell = async (
      words: readonly string[],
      input?: string,
      env: Record<string, string> = {},
    ) => {
      const { stdout, stderr, exitCode } = await run(words, input, { ...more, ...env });
      outputs.push(stdout, stderr);
      return exitCode;
    };
    t.is(
      await tell(["--debug", "login", "-u", "ann", "--password-stdin", proxy.host], "geheim"),
      0,
    );
    await writeFile(
      join(folder, "x.def"),
      `Bootstrap: docker\nFrom: ${proxy.host}/team/x:1\n%labels\n  a b\n`,
    );
    t.is(await tell(["--debug", "build", "--no-cleanup", "x.sif", "x.def"]), 0);
    const env = { APPTAINER_DOCKER_USERNAME: "ann", APPTAINER_DOCKER_PASSWORD: "geheim" };
    const json = ["build", "--force", "--progress=json", "--no-cache", "--no-cleanup"];
    t.is(await tell(["--debug", ...json, "y.sif", "x.def"], undefined, env), 0);
    t.is(await tell(["plan", "--json", "x.def"], undefined, env), 0);
    t.is(
      await tell(
        ["--debug", "build", "n.sif", `docker://${proxy.host}/team/x:none`],
        undefined,
        env,
      ),
      7,
    );
    t.is(
      await tell(["--debug", "build", "n.sif", `docker://${host}/team/none:1`], undefined, env),
      4,
    );
    const proxied = { https_proxy: "http://ann:geheim@127.0.0.1:9" };
    t.is(
      await tell(["--debug", "build", "n.sif", "docker://registry.test/x"], undefined, proxied),
      4,
    );
    t.is(await tell(["inspect", "--all", "x.sif"]), 0);
    t.is(await tell(["logout", "--authfile", "none.json", proxy.host]), 0);
    t.true(outputs.join("").includes("Build complete"));
    t.true(outputs.join("").includes("trying again"));

    for (const secret of ["geheim", pair, Buffer.from("geheim").toString("base64")]) {
      t.false(outputs.join("\n").includes(secret), `${secret} is in what was printed`);
      // The file of logins is the one place.
      const found = await execa("grep", ["-rlaF", "-e", secret, folder], {
        reject: false,
      });
      t.deepEqual(
        found.stdout.split("\n").filter((name) => name !== "" && name !== file),
        [],
      );
    }
    t.true((await readFile(file, "utf8")).includes(pair));
  },
);

toolTest(tools, "wrong words are told before anybody is asked", async (t) => {
  const folder = await scratch(t);
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["login", "a b"], /usage\/operands/],
    [["login", "host/path"], /usage\/operands/],
    [["login", "-u", "a:b", "-p", "x", "host"], /can't have a colon/],
    [["login", "-u", "a", "-p", "x", "--password-stdin", "host"], /exclude each other/],
    [["login", "host"], /usage\/no-terminal[^]*|there is no terminal/],
  ];
  for (const [words, told] of cases) {
    const run = await startTsbuild(words, { cwd: folder, env: { HOME: folder } });
    t.is(run.exitCode, 2);
    t.regex(run.stderr, told);
  }
});
