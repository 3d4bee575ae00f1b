// What all tests of faults start from: a real registry with one image, certificates, and a pull that is judged. Whoever
// imports it has the registry for all tests of the file.

import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { TsbuildError } from "../../../src/model/error.ts";
import { Registry, type RegistryOptions } from "../../../src/oci/registry.ts";
import { faultProxy, type Fault } from "../../helpers/fault-proxy.ts";
import { image, layer, layoutFiles, textLayer, writeFiles } from "../../helpers/oci-image.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { serialHostTest } from "../../helpers/serial-test.ts";
import {
  makeAuthority,
  makeCertificate,
  type HostCertificate,
} from "../../helpers/site-certificates.ts";
import { archive, entry } from "../../helpers/tar.ts";
import { textsOf } from "../../helpers/text-of-tree.ts";
import { isInstalled } from "../../helpers/tool.ts";

export const platform = { os: "linux", architecture: "amd64" } as const;
const noise = randomBytes(150_000).toString("hex");
/** What is in the registry as `x:1`. */
export const made = image(
  [textLayer({ a: "a" }), layer(archive(entry({ name: "noise" }, noise)), "plain")],
  {
    tag: "1",
  },
);
const [small, large] = made.layers.map(({ blob }) => blob);
export const largeBytes = large?.bytes ?? Buffer.alloc(0);
const texts = { a: "a", noise };
export const smallPath = `/v2/x/blobs/${small?.digest}`;
export const largePath = `/v2/x/blobs/${large?.digest}`;
export const manifestPath = `/v2/x/manifests/${made.manifest.digest}`;
export const tagPath = "/v2/x/manifests/1";

const tools = ["docker-registry", "skopeo", "openssl"];
const ends: (() => unknown)[] = [];

interface FaultSite {
  registry: TestRegistry;
  /** For what all tests need. */
  folder: string;
  certificates: string;
  /** As in `certs.d`: the authority alone. */
  trusted: string;
  /** A certificate for the loopback and `registry.test`. */
  good: HostCertificate;
}

/** Made before the first test. */
export const site = {} as Readonly<FaultSite>;

test.before(async () => {
  if (process.env["CI"] === undefined && !tools.every((tool) => isInstalled(tool))) return;
  // The registry and the certificates are there for all tests of this file.
  const all = { teardown: (end: () => unknown) => ends.push(end) } as unknown as ExecutionContext;
  const registry = await startRegistry(all);
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-faults-"));
  ends.push(() => rm(folder, { recursive: true }));
  const layout = join(folder, "layout");
  await writeFiles(layout, layoutFiles([made.manifest], made.blobs));
  const [from, to] = [`oci:${layout}:1`, `docker://${registry.host}/x:1`];
  await execa("skopeo", ["copy", "-q", "--dest-tls-verify=false", "--preserve-digests", from, to]);
  const certificates = join(folder, "certificates");
  await mkdir(certificates);
  await makeAuthority(certificates);
  const trusted = join(certificates, "trusted");
  await mkdir(trusted);
  await copyFile(join(certificates, "ca.crt"), join(trusted, "ca.crt"));
  const names = ["IP:127.0.0.1", "DNS:registry.test"];
  const good = await makeCertificate(certificates, "good", names);
  Object.assign(site, { registry, folder, certificates, trusted, good });
});

test.after.always(async () => {
  for (const end of ends.toReversed()) await end();
});

/** One after the other, so that what takes long is the fault's doing. */
export const faultTest = (title: string, body: (t: ExecutionContext) => unknown) =>
  serialHostTest(tools.join(", "), tools.every(isInstalled), title, body);

/** No fault may keep anybody for longer, on a busy machine too: by itself each takes two seconds at most. */
export const longestMs = 15_000;

/** What a pull may be told besides its image; by default it waits for nothing long. */
export interface Setting extends Partial<RegistryOptions> {
  readonly from?: string;
}

/** For what has to go well before anything else has warmed the client up, on a busy machine too. */
export const patient: Setting = { connectMs: 10_000, stallMs: 10_000 };

export interface Pulled {
  /** `recovered` when all was got, and right, else the code of what was told. */
  readonly outcome: string;
  readonly error: TsbuildError | undefined;
  readonly elapsedMs: number;
  readonly notes: readonly string[];
}

/** Pulls the image with little patience, and looks whether all of it came. */
export async function pull(
  t: ExecutionContext,
  host: string,
  setting: Setting = {},
): Promise<Pulled> {
  const notes: string[] = [];
  const { from = `${host}/x:1`, ...options } = setting;
  await using client = new Registry({
    cacheFolder: mkdtempSync(join(site.folder, "cache-")),
    env: { CONTAINERS_REGISTRIES_CONF: "/nowhere", HOME: "/nowhere" },
    credentials: { find: async () => undefined },
    listener: (event) => event.type === "note" && notes.push(event.message),
    attempts: 3,
    pauseMs: 2,
    stallMs: 250,
    connectMs: 500,
    ...options,
  });
  const start = performance.now();
  try {
    const opened = await client.open(from, platform);
    const found = await textsOf(opened.tree);
    await opened.dispose();
    t.deepEqual(found, texts, "what came is not what was pushed");
    return { outcome: "recovered", error: undefined, elapsedMs: performance.now() - start, notes };
  } catch (error) {
    if (!(error instanceof TsbuildError)) throw error;
    t.truthy(error.hint, "an error says what to do");
    return { outcome: error.code, error, elapsedMs: performance.now() - start, notes };
  }
}

/** A test for each fault, with what must become of a pull. */
export function testFaults(
  faults: readonly (readonly [title: string, fault: Fault, outcome: string])[],
): void {
  for (const [title, fault, outcome] of faults) {
    faultTest(`${title}: ${outcome}`, async (t) => {
      const proxy = await faultProxy(t, site.registry);
      proxy.fault = fault;
      const pulled = await pull(t, proxy.host);
      t.is(pulled.outcome, outcome, pulled.error?.stack);
      t.true(pulled.elapsedMs < longestMs, `it took ${pulled.elapsedMs} ms`);
    });
  }
}
