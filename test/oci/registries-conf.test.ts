import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parseReference } from "../../src/oci/reference.ts";
import { endpointsOf } from "../../src/oci/registries-conf.ts";
import { scratch } from "../helpers/scratch.ts";

/** What the files in a folder make of an image name; `etc/` is the machine's. */
async function places(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ places: string[]; problems: string[]; home: string }> {
  const home = await scratch(t);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, file)), { recursive: true });
    await writeFile(join(home, file), text);
  }
  const problems: string[] = [];
  const found = await endpointsOf(parseReference(name), {
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, join(home, value)])),
    home,
    systemFolder: join(home, "etc"),
    onProblem: (problem) => problems.push(problem),
  });
  return {
    places: found.map(
      (one) => `${one.registry}/${one.repository}${one.isInsecure ? " insecure" : ""}`,
    ),
    problems,
    home,
  };
}

const mirrors = `
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "mirror.site:5000/hub/"
insecure = true
[[registry.mirror]]
location = "other.site"
`;

test("without files there is the registry alone", async (t) => {
  t.deepEqual((await places(t, {}, "alpine")).places, ["docker.io/library/alpine"]);
});

test("mirrors come in order, the registry last, and other registries have none", async (t) => {
  const files = { "etc/registries.conf": mirrors };
  t.deepEqual((await places(t, files, "alpine:3")).places, [
    "mirror.site:5000/hub/library/alpine insecure",
    "other.site/library/alpine",
    "docker.io/library/alpine",
  ]);
  t.deepEqual((await places(t, files, "quay.io/a/b")).places, ["quay.io/a/b"]);
});

test("the longest prefix decides, and prefixes end at slashes", async (t) => {
  const text = `
[[registry]]
location = "example.org"
[[registry.mirror]]
location = "all.site"
[[registry]]
prefix = "example.org/team"
location = "team.site/x"
[[registry]]
prefix = "*.wild.org"
location = "wild.site"
`;
  const files = { "etc/registries.conf": text };
  t.deepEqual((await places(t, files, "example.org/a")).places, ["all.site/a", "example.org/a"]);
  t.deepEqual((await places(t, files, "example.org/team/a/b")).places, ["team.site/x/a/b"]);
  t.deepEqual((await places(t, files, "example.org/teammate/a")).places, [
    "all.site/teammate/a",
    "example.org/teammate/a",
  ]);
  t.deepEqual((await places(t, files, "a.wild.org/x")).places, ["wild.site/x"]);
  t.deepEqual((await places(t, files, "wild.org/x")).places, ["wild.org/x"]);
});

test("mirrors may be for digests or tags only", async (t) => {
  const text = `
[[registry]]
location = "a.org"
mirror-by-digest-only = true
[[registry.mirror]]
location = "digests.site"
[[registry]]
location = "b.org"
[[registry.mirror]]
location = "tags.site"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "digests.site"
pull-from-mirror = "digest-only"
`;
  const files = { "etc/registries.conf": text };
  const digest = `@sha256:${"0".repeat(64)}`;
  t.deepEqual((await places(t, files, "a.org/x:1")).places, ["a.org/x"]);
  t.deepEqual((await places(t, files, `a.org/x${digest}`)).places, ["digests.site/x", "a.org/x"]);
  t.deepEqual((await places(t, files, "b.org/x")).places, ["tags.site/x", "b.org/x"]);
  t.deepEqual((await places(t, files, `b.org/x${digest}`)).places, ["digests.site/x", "b.org/x"]);
});

const mirror = (place: string, of = "docker.io") =>
  `[[registry]]\nlocation = "${of}"\n[[registry.mirror]]\nlocation = "${place}"\n`;

test("a user's file replaces the machine's, drop-ins come on top, and a variable names the only one", async (t) => {
  const files = {
    "etc/registries.conf": mirror("system.site"),
    "etc/registries.conf.d/10-a.conf": mirror("drop-in.site", "quay.io"),
    "etc/registries.conf.d/20-b.conf": mirror("later.site", "quay.io"),
    "etc/registries.conf.d/notes.txt": "no toml",
    "mine.conf": mirror("mine.site"),
  };
  t.is((await places(t, files, "a")).places[0], "system.site/library/a");
  t.is((await places(t, files, "quay.io/a")).places[0], "later.site/a");
  const own = { ...files, ".config/containers/registries.conf": mirror("own.site") };
  t.is((await places(t, own, "a")).places[0], "own.site/library/a");
  const env = { CONTAINERS_REGISTRIES_CONF: "mine.conf" };
  t.is((await places(t, own, "a", env)).places[0], "mine.site/library/a");
  t.deepEqual((await places(t, own, "quay.io/a", env)).places, ["quay.io/a"]);
});

test("a blocked registry is refused", async (t) => {
  const files = { "etc/registries.conf": '[[registry]]\nlocation = "docker.io"\nblocked = true\n' };
  await t.throwsAsync(places(t, files, "alpine"), { code: "source/blocked" });
});

test("a broken file is told, and what is no place is passed over", async (t) => {
  const broken = await places(t, { "etc/registries.conf": "[[registry]]\nlocation =\n" }, "alpine");
  t.deepEqual(broken.places, ["docker.io/library/alpine"]);
  t.is(broken.problems.length, 1);
  t.regex(broken.problems[0] ?? "", /registries\.conf are not used: line 2/);
  const odd = `registry = 1`;
  t.deepEqual((await places(t, { "etc/registries.conf": odd }, "alpine")).places, [
    "docker.io/library/alpine",
  ]);
  const nowhere = mirrors.replace("other.site", "not a host");
  t.is((await places(t, { "etc/registries.conf": nowhere }, "alpine")).places.length, 2);
  const old =
    "[registries.search]\nregistries = ['docker.io']\n[registries.block]\nregistries = []\n";
  t.deepEqual((await places(t, { "etc/registries.conf": old }, "alpine")).problems, []);
});
