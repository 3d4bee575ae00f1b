import { execa } from "execa";

export interface PlainUser extends AsyncDisposable {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

let made = 0;

/**
 * A user without rights, made for one test: with a range of subordinate ids, as useradd gives it, or without. Goes away
 * with its home. Needs root.
 */
export async function makePlainUser(
  options: { readonly subordinateIds?: boolean } = {},
): Promise<PlainUser> {
  const name = `tsb${process.pid}n${made++}`;
  await patiently(["useradd", "--create-home", "--shell", "/bin/bash", name]);
  if (options.subordinateIds === false) {
    await execa("sed", ["-i", `/^${name}:/d`, "/etc/subuid", "/etc/subgid"]);
  }
  const { stdout } = await execa("getent", ["passwd", name]);
  const [, , uid, gid, , home = ""] = stdout.split(":");
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
    async [Symbol.asyncDispose]() {
      await patiently(["userdel", "--remove", name]);
    },
  };
}

/** Test files run side by side, and these programs give up at once where another holds the lock. */
async function patiently([program = "", ...words]: readonly string[]): Promise<void> {
  for (let rest = 50; ; rest--) {
    const run = await execa(program, words, { reject: false, stdin: "ignore" });
    if (run.exitCode === 0) return;
    if (rest === 0 || !/lock/.test(run.stderr)) throw new Error(`${program}: ${run.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
