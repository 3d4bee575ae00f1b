// What can be in a build's way, put there for real: the doctor names it, and so does the build that meets it, with the
// same code and the same next step.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { runInjected } from "../helpers/injected.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";
import { turns } from "../helpers/turns.ts";
import type { Case } from "./causes/case.ts";
import { folderCases } from "./causes/folders.ts";
import { isolationCases } from "./causes/isolation.ts";
import { processCases } from "./causes/process.ts";
import { registryCases } from "./causes/registries.ts";

const cases: readonly Case[] = [
  ...isolationCases,
  ...folderCases,
  ...registryCases,
  ...processCases,
];

const plain = `Bootstrap: scratch
%files
    /bin/busybox /bin/sh
%post
    true
`;

test("at least forty causes end a build, and are named by it as by the doctor", (t) => {
  const ending = cases.filter(({ onlyDoctor, goesOn }) => onlyDoctor !== true && goesOn !== true);
  t.true(ending.length >= 40, String(ending.length));
});

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly command?: string;
}

const isPossible = canMakeUsers && isInstalled("busybox") && isInstalled("perl");

const inTurn = turns(3);

for (const one of cases) {
  hostTest("root, users, busybox", isPossible, `${one.title} (${one.who})`, (t) =>
    inTurn(() => look(t, one)),
  );
}

async function look(t: ExecutionContext, one: Case): Promise<void> {
  const user = one.who === "user" ? plainUser("with ranges") : undefined;
  const prepare = async (): Promise<string> => {
    const folder = await scratch(t, user?.folder);
    mkdirSync(join(folder, "tmp"));
    writeFileSync(join(folder, "app.def"), one.definition ?? plain);
    if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
    return folder;
  };

  const place = await prepare();
  const asked = await runInjected(
    [
      "doctor",
      "--json",
      ...(one.doctorOptions ?? []),
      ...(one.image === undefined ? [] : [one.image]),
    ],
    one,
    { folder: place, user },
  );
  const log = `${asked.stdout}${asked.stderr}`;
  if (one.code === "") {
    t.is(asked.exitCode, 0, log);
    return;
  }
  const findings = foundIn(asked.stdout, asked.stderr);
  const finding = findings.find(({ code }) => code === one.code);
  t.truthy(finding, log);
  if (one.hint !== undefined) t.regex(finding?.hint ?? "", one.hint);
  if (one.command !== undefined) t.regex(finding?.command ?? "", one.command, log);
  if (one.onlyDoctor === true) return;

  const folder = await prepare();
  const built = await runInjected(
    ["build", "--progress=json", ...(one.options ?? []), "app.sif", join(folder, "app.def")],
    one,
    { folder, user },
  );
  const told = toldIn(built.stderr).filter(({ code }) => code === one.code);
  t.true(told.length > 0, `${built.stderr}\n${log}`);
  const places = (text: string | undefined) => text?.replaceAll(folder, "").replaceAll(place, "");
  t.true(
    told.some(({ hint }) => places(hint) === places(finding?.hint)),
    `${told.map(({ hint }) => hint).join("\n")}\n${finding?.hint}`,
  );
  if (one.goesOn !== true) t.not(built.exitCode, 0, built.stderr);
}

/** The doctor's findings, or what ended it. */
function foundIn(stdout: string, stderr: string): Told[] {
  if (stdout.startsWith("{")) return (JSON.parse(stdout) as { findings: Told[] }).findings;
  const [, code = ""] = /^code: (\S+)/m.exec(stderr) ?? [];
  const [, hint = ""] = /^hint: (.*)$/m.exec(stderr) ?? [];
  return [{ code, message: stderr, hint }];
}

/** Warnings and the error among the events of a build. */
function toldIn(stderr: string): Told[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Told & { type: string })
    .filter(({ type }) => type === "warning" || type === "error");
}
