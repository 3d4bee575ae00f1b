// A secret is in the script and nowhere else: every byte of the image, the log, the plan, the disk and the list of
// processes is looked at, as root and as a plain user.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { startTsbuild, tsbuild } from "../helpers/build.ts";
import { canMakeUsers, plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

const token = `token-of-nobody-${process.pid}`;
const password = `password-of-nobody-${process.pid}`;
const argument = `argument-of-nobody-${process.pid}`;

const definition = `Bootstrap: scratch

%files
    /bin/busybox /bin/sh
    /bin/busybox /bin/cat
    /bin/busybox /bin/stat
    /bin/busybox /bin/grep
    /bin/busybox /bin/sleep

%setup
    echo "setup has {{ ARGUMENT }}"

%post
    stat -c '%a %u %n' /run/secrets/token
    grep ' /run/secrets ' /proc/self/mountinfo > /mounted; grep -q ' - tmpfs ' /mounted
    PASSWORD=$(cat /run/secrets/password)
    echo "password $PASSWORD and token $(cat /run/secrets/token)"
    echo "argument {{ ARGUMENT }}" >&2
    test "$(cat /run/secrets/token)" = "$(cat /bind/token)"
    echo waiting
    sleep 2

%test
    cat /run/secrets/token > /dev/null
`;

const values = [token, password, argument];
const encoded = values.flatMap((value) => [value, Buffer.from(value).toString("base64")]);

/** The argument lists of all processes. */
function argumentLists(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1");
      } catch {
        return "";
      }
    })
    .join("\n");
}

function findsNone(t: ExecutionContext, where: string, text: string): void {
  for (const value of encoded) t.false(text.includes(value), `${where} has a secret`);
}

async function build(t: ExecutionContext, user: PlainUser | undefined): Promise<void> {
  const folder = await scratch(t, user?.folder);
  const bind = join(folder, "bind");
  await execa("mkdir", ["-p", join(folder, "tmp"), bind]);
  writeFileSync(join(bind, "token"), token, { mode: 0o644 });
  writeFileSync(join(folder, "app.def"), definition);
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  const words = ["--verbose", "build", "--bind", `${bind}:/bind:ro`].concat(
    ["--secret", `id=token,src=${bind}/token`, "--secret", "id=password,env=PASSWORD"],
    ["--build-arg-secret", "id=ARGUMENT,env=THE_ARGUMENT"],
  );
  const options = {
    cwd: folder,
    env: { TMPDIR: join(folder, "tmp"), PASSWORD: password, THE_ARGUMENT: argument },
    ...(user === undefined ? {} : { user }),
  };
  const child = startTsbuild([...words, "app.sif", "app.def"], options);
  let seen = "";
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
    if (seen !== "" || !output.includes("waiting")) return;
    seen = argumentLists();
  });
  const { exitCode, stderr, stdout } = await child;
  t.is(exitCode, 0, stderr);
  t.true(seen.includes("tsbuild"), "processes were looked at while the script ran");
  findsNone(t, "the list of processes", seen);
  findsNone(t, "the log", stdout + stderr);
  t.true(stdout.includes("setup has ***"));
  t.true(stdout.includes("password *** and token ***"));
  t.true(stdout.includes("400 0 /run/secrets/token"));
  t.true(stderr.includes("argument ***"));

  const unpacked = join(folder, "unpacked");
  const { exitCode: unpackedWith, stderr: unpackLog } = await tsbuild(
    ["unpack", "app.sif", unpacked],
    { cwd: folder, ...(user === undefined ? {} : { user }) },
  );
  t.is(unpackedWith, 0, unpackLog);
  findsNone(t, "the file of the image", readFileSync(join(folder, "app.sif"), "latin1"));
  for (const value of values) {
    const { exitCode: found } = await execa("grep", ["-raqF", value, unpacked], { reject: false });
    t.is(found, 1, "a file in the image has a secret");
  }
  t.deepEqual(
    readdirSync(unpacked).filter((name) => name === "run"),
    [],
    "nothing is left of the place that they were at",
  );
  const stored = readFileSync(join(unpacked, ".singularity.d/Singularity"), "utf8");
  t.true(stored.includes('echo "argument ***" >&2'));
  t.deepEqual(readdirSync(join(folder, "tmp")), []);

  const plan = await tsbuild(
    ["plan", "--json", "--build-arg-secret", "id=ARGUMENT,env=THE_ARGUMENT", "app.def"],
    options,
  );
  t.is(plan.exitCode, 0, plan.stderr);
  findsNone(t, "the plan", plan.stdout + plan.stderr);
}

const isPossible = canMakeUsers && isInstalled("busybox");

serialHostTest("root, busybox", isPossible, "root's secrets are in the script alone", (t) =>
  build(t, undefined),
);
serialHostTest(
  "users, busybox",
  isPossible,
  "a plain user's secrets are in the script alone",
  (t) => build(t, plainUser("with ranges")),
);
serialHostTest("users, busybox", isPossible, "so are those of a user without a range of ids", (t) =>
  build(t, plainUser("without ranges")),
);

serialHostTest("root, busybox", isPossible, "errors quote no secret", async (t) => {
  const folder = await scratch(t);
  writeFileSync(
    join(folder, "app.def"),
    "Bootstrap: scratch\n%files\n    /bin/busybox /bin/sh\n    /bin/busybox /bin/cat\n%post\n    false $(cat /run/secrets/token) {{ ARGUMENT }}\n",
  );
  const run = await tsbuild(
    [
      "build",
      "--secret",
      "id=token",
      "--build-arg-secret",
      "id=ARGUMENT,env=A",
      "app.sif",
      "app.def",
    ],
    { cwd: folder, env: { token, A: argument } },
  );
  t.is(run.exitCode, 5, run.stderr);
  t.regex(run.stderr, /%post failed with status 1 at: false \*\*\* \*\*\*/);
  t.regex(run.stderr, /^at: app\.def:6:5$/m);
  findsNone(t, "the error", run.stdout + run.stderr);
});

const wrong: readonly [title: string, words: readonly string[], code: string, reason: RegExp][] = [
  [
    "a secret without a name",
    ["--secret", "src=/etc/passwd"],
    "usage/secret",
    /id=NAME is missing/,
  ],
  ["a name with a slash", ["--secret", "id=a/../b,env=A"], "usage/secret", /id=NAME is missing/],
  ["a secret in place of its name", ["--secret", token], "usage/secret", /not key=value/],
  ["an unknown key", ["--secret", `id=a,value=${token}`], "usage/secret", /another key/],
  [
    "a variable that is not set",
    ["--secret", "id=a,env=NOT_SET"],
    "usage/secret",
    /NOT_SET is not set/,
  ],
  [
    "the same name twice",
    ["--secret", "id=a,env=A", "--secret", "id=a,env=A"],
    "usage/secret",
    /twice/,
  ],
  ["a file and a variable", ["--secret", "id=a,src=x,env=A"], "usage/secret", /not both/],
  ["a folder", ["--secret", "id=a,src=/etc"], "usage/secret", /is no file/],
  ["a file that is not there", ["--secret", "id=a,src=/nowhere"], "host/not-readable", /\/nowhere/],
];
for (const [title, words, code, reason] of wrong) {
  test(`${title} is refused, and not shown`, async (t) => {
    const folder = await scratch(t);
    writeFileSync(join(folder, "app.def"), "Bootstrap: scratch\n%post\n    true\n");
    const { error, stderr, stdout } = await runCli(
      ["build", ...words, "app.sif", "app.def"],
      folder,
      { A: "value" },
    );
    t.is(error?.code, code, error?.message);
    t.regex(error?.message ?? "", reason);
    findsNone(t, "the message", `${error?.message}${error?.hint}${stderr}${stdout}`);
  });
}

for (const section of [
  "%environment\n    export X={{ A }}",
  "%labels\n    X {{ A }}",
  "%runscript\n    echo {{ A }}",
  "%test\n    echo {{ A }}",
  "%files\n    /etc/{{ A }}",
  "%help\n    {{ A }}",
]) {
  test(`a secret argument in ${section.split("\n")[0]} would be kept, and is refused`, async (t) => {
    const folder = await scratch(t);
    writeFileSync(join(folder, "app.def"), `Bootstrap: scratch\n${section}\n`);
    const words = ["build", "--build-arg-secret", "id=A", "app.sif", "app.def"];
    const { error } = await runCli(words, folder, { A: "passwd" });
    t.is(error?.code, "usage/secret-kept");
  });
}
