import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { BuildEvent } from "../../src/model/event.ts";
import type { SourceContext } from "../../src/source/source.ts";
import { scratch } from "./scratch.ts";

/** What an agent gets, in a folder of the test's own; `events` is what it told. */
export async function sourceContext(
  t: ExecutionContext,
  more: Partial<SourceContext> = {},
): Promise<SourceContext & { readonly events: BuildEvent[] }> {
  const root = await scratch(t);
  const temporaryFolder = join(root, "tmp");
  const folder = join(root, "work");
  await mkdir(temporaryFolder);
  await mkdir(folder);
  const events: BuildEvent[] = [];
  return {
    platform: { os: "linux", architecture: "amd64" },
    folder,
    temporaryFolder,
    cacheFolder: join(root, "cache"),
    noHttps: false,
    timeSeconds: 0,
    listener: (event) => events.push(event),
    signal: new AbortController().signal,
    events,
    ...more,
  };
}
