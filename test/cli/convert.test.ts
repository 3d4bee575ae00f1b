import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";

const definition = "Bootstrap: docker\nFrom: debian:12\n\n%files\n    caf\xe9 /caf\xe9\n";

test("what a file is decides what is made of it, and --to overrules that", async (t) => {
  const folder = await scratch(t);
  writeFileSync(join(folder, "app.def"), Buffer.from(definition, "latin1"));
  const made = await runCli(["convert", "app.def", "-o", "Dockerfile"], folder);
  t.is(made.exitCode, 0);
  t.is(made.stdout, "");
  // Bytes that are no UTF-8 stay what they are.
  const dockerfile = readFileSync(join(folder, "Dockerfile"), "latin1");
  t.is(dockerfile, "FROM debian:12\nCOPY caf\xe9 /caf\xe9\n");
  const back = await runCli(["convert", "Dockerfile"], folder);
  t.true(back.stdout.startsWith("Bootstrap: docker\nFrom: debian:12\n"));
  t.regex(back.stderr, /^Dockerfile:2:1: warning: /);
  const wrong = await runCli(["convert", "--to", "definition", "app.def"], folder);
  t.is(wrong.exitCode, 3);
  t.is(wrong.error?.code, "convert/unknown-instruction");
});

test("what is written to keeps its place: symlinks stay, and nothing else is left", async (t) => {
  const folder = await scratch(t);
  writeFileSync(join(folder, "app.def"), "Bootstrap: scratch\n");
  mkdirSync(join(folder, "real"));
  writeFileSync(join(folder, "real/file"), "old", { mode: 0o600 });
  symlinkSync("real/file", join(folder, "link"));
  t.is((await runCli(["convert", "app.def", "-o", "link"], folder)).exitCode, 0);
  t.is(readFileSync(join(folder, "real/file"), "utf8"), "FROM scratch\n");
  t.true(lstatSync(join(folder, "link")).isSymbolicLink());
  t.is(lstatSync(join(folder, "real/file")).mode & 0o777, 0o600);
  const refused = await runCli(["convert", "app.def", "-o", "no/such/file"], folder);
  t.is(refused.exitCode, 6);
  t.is(refused.error?.code, "host/not-writable");
  t.true(refused.error?.message.startsWith("no/such/file "));
  t.deepEqual(readdirSync(folder).toSorted(), ["app.def", "link", "real"]);
  t.deepEqual(readdirSync(join(folder, "real")), ["file"]);
});

test("a device is written to and not replaced", async (t) => {
  const folder = await scratch(t);
  writeFileSync(join(folder, "app.def"), "Bootstrap: scratch\n");
  // A link of our own, so that not even a mistake could harm the device.
  symlinkSync("/dev/null", join(folder, "null"));
  t.is((await runCli(["convert", "app.def", "-o", "null"], folder)).exitCode, 0);
  t.true(lstatSync("/dev/null").isCharacterDevice());
  t.deepEqual(readdirSync(folder).toSorted(), ["app.def", "null"]);
});
