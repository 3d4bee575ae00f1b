import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { parseReference } from "../../src/oci/reference.ts";
import { endpointsOf } from "../../src/oci/registries-conf.ts";
import { scratch } from "../helpers/scratch.ts";
import { scriptedRegistry, sendError } from "../helpers/scripted-registry.ts";
import { toolTest } from "../helpers/tool.ts";

// HOST is the registry of the test; what asks it can be seen.
const files: readonly string[] = [
  `[[registry]]
prefix = "example.invalid"
location = "HOST/origin"
insecure = true
[[registry.mirror]]
location = "HOST/m1"
insecure = true
[[registry.mirror]]
location = "HOST/m2/deep"
insecure = true
`,
  `[[registry]]
prefix = "example.invalid"
location = "HOST/short"
insecure = true
[[registry]]
prefix = "example.invalid/team"
location = "HOST/long"
insecure = true
[[registry]]
prefix = "example.invalid/tea"
location = "HOST/no"
insecure = true
`,
  `[[registry]]
prefix = "*.invalid"
location = "HOST/wild"
insecure = true
[[registry.mirror]]
location = "HOST/wild-mirror"
insecure = true
`,
  `[[registry]]
prefix = "example.invalid"
location = "HOST/origin"
insecure = true
mirror-by-digest-only = true
[[registry.mirror]]
location = "HOST/digests"
insecure = true
`,
];

toolTest(["skopeo"], "skopeo asks the same places in the same order", async (t) => {
  const registry = await scriptedRegistry(t);
  registry.rule = ({ path }, response) => {
    if (path === "/v2/") return false;
    sendError(response, 404, "MANIFEST_UNKNOWN", "no");
    return true;
  };
  const file = join(await scratch(t), "registries.conf");
  for (const text of files) {
    for (const name of [
      "example.invalid/team/x:1",
      `example.invalid/team/x@sha256:${"0".repeat(64)}`,
    ]) {
      await writeFile(file, text.replaceAll("HOST", registry.host));
      const env = { CONTAINERS_REGISTRIES_CONF: file };
      registry.seen.length = 0;
      await t.throwsAsync(
        execa("skopeo", [`--registries-conf=${file}`, "inspect", "--raw", `docker://${name}`]),
      );
      const asked = registry.seen
        .map(({ path }) => /^\/v2\/(.+)\/manifests\//.exec(path)?.[1] ?? "")
        .filter((repository) => repository !== "");
      const ours = (await endpointsOf(parseReference(name), { env })).map((one) => one.repository);
      t.deepEqual(ours, asked, `${name}\n${text}`);
    }
  }
});
