// What a plan says of the machine, for those who can do more and less on it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import type { PlanHere } from "../../src/model/plan.ts";
import { runInjected, type Injection } from "../helpers/injected.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

type Who = "root" | "with ranges" | "without ranges";

async function plan(
  t: ExecutionContext,
  who: Who,
  words: readonly string[],
  injection: Injection = {},
  section = "%post\n    true\n",
) {
  const user = who === "root" ? undefined : plainUser(who);
  const folder = await scratch(t, user?.folder);
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(folder, "app.def"), `Bootstrap: docker\nFrom: debian:12\n${section}`);
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  const run = await runInjected(["plan", ...words, "app.def"], injection, { folder, user });
  t.is(run.exitCode, 0, run.stderr);
  const { stdout: left } = await execa("find", [join(folder, "tmp")]);
  t.is(left, join(folder, "tmp"), "no trial is left behind");
  return run.stdout;
}

const json = async (...given: Parameters<typeof plan>) =>
  JSON.parse(await plan(...given)) as PlanHere;

/** Neither namespaces nor proot. */
const nothing: Injection = {
  setup: `
if [ -e /usr/bin/proot ]; then mount --bind /dev/null /usr/bin/proot; fi
mkdir "$WORK/root"; mount --rbind / "$WORK/root"; set -- chroot "$WORK/root" env -C "$WORK" "$@"`,
};

hostTest(
  "root, users",
  canMakeUsers,
  "a plan says how its scripts would be run, and is the same apart from that",
  async (t) => {
    const plans = [];
    for (const [who, way] of [
      ["root", "root"],
      ["with ranges", "subid"],
      ["without ranges", "single"],
    ] as const) {
      const { here, ...rest } = await json(t, who, ["--json"]);
      t.is(here?.way, way);
      t.deepEqual(here?.losses, []);
      t.is(here?.refused, undefined);
      t.is(
        here?.passedOver.at(-1)?.way,
        way === "root" ? undefined : way === "subid" ? "root" : "ident",
      );
      plans.push(rest);
    }
    t.deepEqual(plans[1], plans[0]);
    t.deepEqual(plans[2], plans[0]);
    t.deepEqual(await json(t, "without ranges", ["--json", "--portable"]), plans[0]);
  },
);

hostTest(
  "root, users, bwrap",
  canMakeUsers,
  "a way that is named is taken, with its losses",
  async (t) => {
    const named = ["--isolation", "bwrap"];
    const { here } = await json(t, "with ranges", ["--json", ...named]);
    t.is(here?.way, "bwrap");
    t.true((here?.losses.length ?? 0) > 0);
    const text = await plan(t, "with ranges", named);
    t.true(text.includes("\nOn this machine scripts run as a plain user, by bubblewrap"), text);
    for (const loss of here?.losses ?? []) t.true(text.includes(`\n  lost: ${loss}`), text);
    const refused = await json(t, "root", ["--json", ...named]);
    t.is(refused.here?.refused?.code, "host/isolation-refused");
  },
);

hostTest("root, users", canMakeUsers, "where scripts can't be run the plan says why", async (t) => {
  const { here } = await json(t, "with ranges", ["--json"], nothing);
  t.is(here?.way, undefined);
  t.is(here?.refused?.code, "host/userns-refused");
  t.true(here?.passedOver.some(({ way }) => way === "proot"));
  const text = await plan(t, "with ranges", [], nothing);
  t.regex(text, /\nOn this machine scripts can't be run \(host\/userns-refused\): /);
  t.regex(text, /\n {2}not subid: you may not make user namespaces/);
});

hostTest(
  "root, users",
  canMakeUsers,
  "a plan without scripts says nothing of the machine",
  async (t) => {
    const { here } = await json(
      t,
      "with ranges",
      ["--json"],
      nothing,
      "%environment\n    export A=1\n",
    );
    t.is(here, undefined);
  },
);
