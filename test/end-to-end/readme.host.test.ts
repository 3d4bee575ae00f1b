// The first thing that people try: the commands of the README, by a plain user, in a folder that holds what git holds.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { checkout } from "../helpers/build.ts";
import { plainUser } from "../helpers/plain-user.ts";

apptainerTest("the README's first command works for a plain user in a fresh clone", async (t) => {
  t.timeout(600_000);
  const user = plainUser("without ranges");
  const clone = join(user.folder, "clone");
  const command = /^npm ci && npx tsbuild \S+\/jail\.def$/m.exec(
    readFileSync(join(checkout, "README.md"), "utf8"),
  )?.[0];
  if (command === undefined) throw new Error("the README lacks the command");

  // Files that git ignores, dist/ and node_modules/ among them, are not in a clone.
  await execa(
    "sh",
    [
      "-ec",
      'mkdir "$2"; git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$2"; chown -R "$3" "$2"',
      "sh",
      checkout,
      clone,
      `${user.uid}:${user.gid}`,
    ],
    { cwd: checkout },
  );
  t.false(existsSync(join(clone, "node_modules")));

  // How this machine reaches packages, if root has it written down.
  const npmrc = join(homedir(), ".npmrc");
  if (existsSync(npmrc)) {
    await execa("install", ["-o", `${user.uid}`, "-m", "600", npmrc, join(user.folder, ".npmrc")]);
  }
  // … or has told its programs by variables: certificates, proxies, a registry.
  const told = Object.entries(process.env).flatMap(([name, value]) =>
    /^(NODE_EXTRA_CA_CERTS|npm_config_(cafile|registry|https?_?proxy|noproxy)|(https?|no)_proxy)$/i.test(
      name,
    )
      ? [`${name}=${value}`]
      : [],
  );
  const run = async (text: string) => {
    const shell = ["env", ...told, "sh", "-c", `cd "${clone}" && ${text}`];
    return execa("sh", ["-c", 'exec "$@"', "sh", ...user.command(shell)], {
      reject: false,
      stdin: "ignore",
    });
  };
  const build = await run(command);
  t.is(build.exitCode, 0, `${build.stdout}\n${build.stderr}`);
  const image = join(clone, "jail.sif");
  t.true(existsSync(image));

  const greeting = readFileSync(join(clone, "examples/jail/hello.txt"), "utf8");
  const cat = await apptainer(["run", image], { cwd: clone, uid: user.uid });
  t.is(cat.exitCode, 0, cat.stderr);
  t.true(cat.stdout.includes(greeting.trim()), cat.stdout);

  const inspect = await run("npx tsbuild inspect --deffile jail.sif");
  t.is(inspect.stdout.trim(), readFileSync(join(clone, "examples/jail/jail.def"), "utf8").trim());
  const plan = await run("npx tsbuild plan --json examples/jail/jail.def");
  t.is(plan.exitCode, 0, plan.stderr);
  t.notThrows(() => JSON.parse(plan.stdout) as unknown);
  const again = await run("npx tsbuild examples/jail/jail.def");
  t.is(again.exitCode, 2, "the image is there already");
});
