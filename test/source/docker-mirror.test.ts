import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { dockerSource } from "../../src/source/docker.ts";
import { open, usual, usualTexts } from "../helpers/open-image.ts";
import {
  cutAfter,
  scriptedRegistry,
  sendError,
  type ScriptedRegistry,
} from "../helpers/scripted-registry.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

// The registry itself doesn't exist: all that comes, comes from its mirrors.
const from = "registry.invalid/team/x:1";
const [firstLayer] = usual.layers;
const lower = firstLayer?.blob ?? usual.config;

/** Pulls the image with two mirrors, both with all of it. */
async function pull(
  t: ExecutionContext,
  script: (first: ScriptedRegistry, second: ScriptedRegistry) => void,
): Promise<{ first: ScriptedRegistry; second: ScriptedRegistry; notes: string[] }> {
  const context = await sourceContext(t);
  const first = await scriptedRegistry(t);
  const second = await scriptedRegistry(t);
  first.put("hub/team/x", usual.blobs, { "1": usual.manifest });
  second.put("team/x", usual.blobs, { "1": usual.manifest });
  script(first, second);
  const file = join(context.folder, "registries.conf");
  await writeFile(
    file,
    `[[registry]]
location = "registry.invalid"
[[registry.mirror]]
location = "${first.host}/hub"
[[registry.mirror]]
location = "${second.host}"
insecure = true
`,
  );
  process.env["CONTAINERS_REGISTRIES_CONF"] = file;
  try {
    const base = await open(t, dockerSource, from, context);
    t.deepEqual(await textsOf(base.tree), usualTexts);
  } finally {
    delete process.env["CONTAINERS_REGISTRIES_CONF"];
  }
  const notes = context.events.flatMap((event) => (event.type === "note" ? [event.message] : []));
  return { first, second, notes };
}

test.serial("the first mirror does it all where it can", async (t) => {
  const { second, notes } = await pull(t, () => undefined);
  t.deepEqual(second.seen, []);
  t.deepEqual(notes, []);
});

test.serial("a mirror without the image is left for the next one, once", async (t) => {
  const { first, second, notes } = await pull(t, (one) => {
    one.rule = (_, response) => {
      sendError(response, 404, "NAME_UNKNOWN", "no such thing");
      return true;
    };
  });
  t.is(notes.length, 1);
  t.regex(notes[0] ?? "", /mirror .*hub\/team\/x is left out: .*status 404/);
  t.is(first.seen.filter(({ path }) => path !== "/v2/").length, 1);
  t.true(second.seen.length > 3);
});

test.serial("a blob that breaks off at one mirror is gone on with at the next", async (t) => {
  const { second } = await pull(t, (one) => {
    one.rule = ({ path }, response, count) => {
      if (!path.endsWith(lower.digest)) return false;
      if (count === 0) cutAfter(response, lower, 0, 1000);
      else response.destroy();
      return true;
    };
  });
  const asked = second.seen.find(({ path }) => path.endsWith(lower.digest));
  t.is(asked?.headers.range, "bytes=1000-");
});

test.serial("a mirror that sends wrong bytes is not believed, and not asked again", async (t) => {
  const { first, second } = await pull(t, (one) => {
    one.rule = ({ path }, response) => {
      if (!path.endsWith(lower.digest)) return false;
      const wrong = Buffer.from(lower.bytes);
      wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
      response.end(wrong);
      return true;
    };
  });
  t.is(first.seen.filter(({ path }) => path.endsWith(lower.digest)).length, 1);
  t.is(second.seen.filter(({ path }) => path.endsWith(lower.digest)).length, 1);
});

const nothing: ScriptedRegistry["rule"] = (_, response) => {
  sendError(response, 404, "NAME_UNKNOWN", "no such thing");
  return true;
};

test.serial("where no mirror has it, the error is the registry's own", async (t) => {
  const error = await t.throwsAsync(
    pull(t, (one, two) => {
      one.rule = nothing;
      two.rule = nothing;
    }),
    { code: "source/unreachable" },
  );
  t.regex(error.message, /registry\.invalid/);
});
