import { spawnSync } from "node:child_process";
import { chownSync, chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A user of this machine that is not root, there for as long as the test process. */
export interface PlainUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** A folder that is the user's own, mode 0755. */
  readonly folder: string;
  /** The first id of the user's range in /etc/subuid, or undefined. */
  readonly subordinateUid: number | undefined;
  /** The argument list that runs a command as the user, with a small environment of its own. */
  readonly command: (argv: readonly string[]) => string[];
}

const users = new Map<string, PlainUser>();
let count = 0;

/** Whether users can be made here. */
export const canMakeUsers =
  process.geteuid?.() === 0 && spawnSync("useradd", ["--help"]).status === 0;

/** Makes a user, with ranges of subordinate ids or without; the same one each time within a test process. */
export function plainUser(kind: "with ranges" | "without ranges" = "with ranges"): PlainUser {
  const made = users.get(kind) ?? makeUser(kind === "with ranges");
  users.set(kind, made);
  return made;
}

/** The argument list that runs a command as a plain user with ranges of subordinate ids. */
export function asPlainUser(argv: readonly string[]): string[] {
  return plainUser().command(argv);
}

function makeUser(ranges: boolean): PlainUser {
  const name = `tsb${process.pid}${"abc"[count++]}`;
  run(["useradd", "--no-create-home", "--home-dir", "/nonexistent", name]);
  process.on("exit", () => {
    rmSync(folder, { recursive: true, force: true });
    run(["userdel", "--force", name]);
  });
  const uid = Number(run(["id", "-u", name]));
  const gid = Number(run(["id", "-g", name]));
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  chownSync(folder, uid, gid);
  chmodSync(folder, 0o755);
  const range = (kind: string) =>
    run(["getsubids", ...(kind === "g" ? ["-g"] : []), name])
      .trim()
      .split(/\s+/);
  let subordinateUid: number | undefined;
  if (ranges) subordinateUid = Number(range("u")[2]);
  else {
    for (const [kind, option] of [
      ["u", "--del-subuids"],
      ["g", "--del-subgids"],
    ] as const) {
      const [, , start, length] = range(kind);
      run(["usermod", option, `${start}-${Number(start) + Number(length) - 1}`, name]);
    }
  }
  const environment = [
    `HOME=${folder}`,
    `USER=${name}`,
    `PATH=${process.env["PATH"]}`,
    `TMPDIR=${folder}`,
  ];
  const identity = ["--reuid", `${uid}`, "--regid", `${gid}`];
  return {
    name,
    uid,
    gid,
    folder,
    subordinateUid,
    command: (argv) => [
      "setpriv",
      ...identity,
      "--clear-groups",
      "--inh-caps=-all",
      "env",
      "-i",
      ...environment,
      ...argv,
    ],
  };
}

function run(argv: readonly string[]): string {
  const [program = "", ...args] = argv;
  for (let rest = 50; ; rest--) {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status === 0) return stdout;
    // Test files run side by side, and useradd gives up at once where another one holds its lock.
    if (rest === 0 || !/lock/.test(stderr)) throw new Error(`${argv.join(" ")} failed: ${stderr}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}
