import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import test from "ava";
import { UsageError } from "../../src/model/error.ts";
import { chooseIsolation } from "../../src/isolation/choose.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { hostTest } from "../helpers/tool.ts";

interface Told {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly details?: readonly string[];
  readonly hasIsolation?: boolean;
  readonly losses?: readonly string[];
  readonly passedOver?: readonly {
    readonly name: string;
    readonly reason: string;
    readonly hint?: string;
  }[];
}

/** What a new process chooses. */
function choiceOf(
  command: (argv: readonly string[]) => readonly string[],
  {
    name,
    environment = [],
  }: { readonly name?: string; readonly environment?: readonly string[] } = {},
): Told {
  const script = `
    import { chooseIsolation } from ${JSON.stringify(resolve("src/isolation/choose.ts"))};
    import { tmpdir } from "node:os";
    const told = await chooseIsolation({ folder: tmpdir(), name: ${JSON.stringify(name)} }).then(
      ({ name, isolation, losses, passedOver }) => ({ name, hasIsolation: isolation !== undefined, losses, passedOver }),
      ({ code, message, hint, details }) => ({ code, message, hint, details }));
    console.log(JSON.stringify(told));`;
  const node = [process.execPath, "--no-warnings", "--input-type=module-typescript", "-e", script];
  const [program = "", ...args] = command(["env", ...environment, ...node]);
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Told;
}

const asRoot = (argv: readonly string[]) => argv;
const isPossible = canMakeUsers;

hostTest("root", isPossible, "root needs nothing else", (t) => {
  t.deepEqual(choiceOf(asRoot), { name: "root", hasIsolation: true, losses: [], passedOver: [] });
});

hostTest("root", isPossible, "a user with ranges starts again, and loses nothing", (t) => {
  const { command } = plainUser("with ranges");
  t.deepEqual(choiceOf(command), {
    name: "subid",
    hasIsolation: false,
    losses: [],
    passedOver: [{ name: "root", reason: "you are not root" }],
  });
});

hostTest(
  "root",
  isPossible,
  "a user without ranges loses nothing where calls can be answered",
  (t) => {
    const { command, name } = plainUser("without ranges");
    const choice = choiceOf(command);
    t.is(choice.name, "single");
    t.deepEqual(choice.losses, []);
    const better = choice.passedOver?.find((way) => way.name === "subid");
    t.is(better?.reason, `no range of at least 1000 ids for ${name} in /etc/subuid`);
    t.regex(better?.hint ?? "", new RegExp(`usermod --add-subuids .* ${name}$`));
  },
);

hostTest("root", isPossible, "a way that was asked for is taken or refused, not replaced", (t) => {
  t.is(choiceOf(plainUser("with ranges").command, { name: "single" }).name, "single");
  const refused = choiceOf(plainUser("without ranges").command, { name: "subid" });
  t.is(refused.code, "host/isolation-refused");
  t.regex(refused.message ?? "", /no range of at least 1000 ids/);
  t.regex(choiceOf(asRoot, { name: "chroot" }).message ?? "", /only for containers/);
});

/** In a chroot the kernel makes no user namespaces. */
const inChroot =
  (prepare: string) =>
  (argv: readonly string[]): string[] => {
    const enter = `mount --rbind / /mnt && ${prepare} exec chroot /mnt "$@"`;
    const { command } = plainUser("with ranges");
    return ["unshare", "--mount", "sh", "-c", enter, "sh"].concat(command(argv));
  };

hostTest(
  "root, proot",
  isPossible,
  "without namespaces there is proot, and what is lost is told",
  (t) => {
    const choice = choiceOf(inChroot(""));
    t.is(choice.name, "proot");
    t.true(choice.hasIsolation);
    t.true(choice.losses?.some((loss) => loss.includes("root's in the image")));
    t.deepEqual(
      choice.passedOver?.map(({ name }) => name),
      ["root", "subid", "ident", "single", "bwrap", "chroot"],
    );
  },
);

hostTest("root", isPossible, "where nothing works, every way says why", (t) => {
  // A plain user has no other way than proot there, which is made to be no program.
  const hide = "if [ -e /usr/bin/proot ]; then mount --bind /dev/null /mnt/usr/bin/proot; fi &&";
  const { code, details } = choiceOf(inChroot(hide));
  t.is(code, "host/no-isolation");
  for (const way of ["root", "subid", "ident", "single", "bwrap", "chroot", "proot"]) {
    t.true(
      details?.some((line) => line.startsWith(`${way}: `)),
      way,
    );
  }
  t.true(details?.some((line) => line.includes("Operation not permitted")));
});

hostTest(
  "root",
  isPossible,
  "a variable that somebody exported does not lead round in circles",
  (t) => {
    const environment = ["TSBUILD_ENTERED=subid:1001:1001:1"];
    const { command } = plainUser("with ranges");
    t.is(choiceOf(command, { environment }).code, "host/entered-elsewhere");
    t.is(choiceOf(asRoot, { environment }).name, "root");
  },
);

test("a way that does not exist is a mistake of the command line", async (t) => {
  const error = await t.throwsAsync(chooseIsolation({ folder: "/tmp", name: "docker" }), {
    instanceOf: UsageError,
  });
  t.is(error.code, "usage/isolation");
  t.regex(error.hint ?? "", /root, subid, ident, single, bwrap, chroot, proot/);
});
