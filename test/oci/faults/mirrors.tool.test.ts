// Mirrors that fail: the next one is taken, and the registry itself at the end.

import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { faultProxy, type Fault } from "../../helpers/fault-proxy.ts";
import { byTag, cut, flip, on, status, whole } from "./acts.ts";
import {
  faultTest,
  largePath,
  manifestPath,
  pull,
  site,
  tagPath,
  type Setting,
} from "./fault-site.ts";

/** A registries.conf with mirrors of `registry.invalid`, which is not there itself. */
async function mirrored(mirrors: readonly string[], more = ""): Promise<Setting> {
  const file = join(mkdtempSync(join(site.folder, "mirrors-")), "registries.conf");
  const places = mirrors.map((host) => `[[registry.mirror]]\nlocation = "${host}"\n`);
  await writeFile(file, `[[registry]]\nlocation = "registry.invalid"\n${more}${places.join("")}`);
  return {
    env: { CONTAINERS_REGISTRIES_CONF: file, HOME: "/nowhere" },
    from: "registry.invalid/x:1",
  };
}

const mirrorFaults: readonly (readonly [string, Fault])[] = [
  ["lacks the tag", on(tagPath, status(404), Infinity, "HEAD")],
  ["fails", on(tagPath, status(503), Infinity, "HEAD")],
  ["wants a login", on(tagPath, status(401), Infinity, "HEAD")],
  ["lacks a layer", on(largePath, status(404))],
  [
    "drops in the middle of a layer, and is gone",
    (passing, response) => {
      if (passing.path !== largePath) return false;
      (passing.count === 0 ? cut(100_000) : (r: ServerResponse) => r.destroy())(
        response,
        passing.answer,
      );
      return true;
    },
  ],
  ["stalls", on(manifestPath, () => undefined)],
  [
    "serves a damaged layer",
    on(
      largePath,
      whole((a) => ({ body: flip(a) })),
    ),
  ],
  [
    "serves a damaged manifest",
    on(
      manifestPath,
      whole((a) => ({ body: flip(a, 20) })),
    ),
  ],
  ["serves a page", byTag(Buffer.from("<html>"))],
];
for (const [title, fault] of mirrorFaults) {
  const last = title === "serves a page" ? "source/bad-manifest" : "recovered";
  faultTest(`a mirror that ${title} is left for the next: ${last}`, async (t) => {
    const proxy = await faultProxy(t, site.registry);
    proxy.fault = fault;
    const pulled = await pull(
      t,
      "",
      await mirrored(["127.0.0.1:9", proxy.host, site.registry.host]),
    );
    t.is(pulled.outcome, last, pulled.error?.stack);
    t.regex(pulled.notes.join("\n"), /the mirror 127\.0\.0\.1:9\/x is left out/);
  });
}

faultTest("where no mirror helps, the registry's own error is told", async (t) => {
  const pulled = await pull(t, "", await mirrored(["127.0.0.1:9"]));
  t.is(pulled.outcome, "source/unreachable");
  t.regex(pulled.error?.message ?? "", /registry\.invalid/);
  const blocked = await pull(t, "", await mirrored([site.registry.host], "blocked = true\n"));
  t.is(blocked.outcome, "source/blocked");
});
