import { existsSync, mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { execa } from "execa";

/** The tags that test/judges/images.sh makes. */
export type ImageName = "base" | "python" | "mpi" | "odd";

/** The OCI layout that has them. */
export const imagesLayout = process.env["JUDGE_IMAGES"] ?? "/var/tmp/tsbuild-judges/images";

export const haveImages = process.getuid?.() === 0 && existsSync(`${imagesLayout}/.complete`);

/** An image as one file, with its layers as they are. */
export async function archiveImage(name: ImageName, archive: string): Promise<void> {
  await execa("skopeo", [
    "copy",
    "--quiet",
    `oci:${imagesLayout}:${name}`,
    `oci-archive:${archive}`,
  ]);
}

/** The tree that umoci makes of an image. */
export async function unpackImage(name: ImageName, bundle: string): Promise<string> {
  await execa("umoci", ["unpack", "--image", `${imagesLayout}:${name}`, bundle]);
  return join(bundle, "rootfs");
}

export interface ImageServer extends AsyncDisposable {
  /** `127.0.0.1:port`; the images are `HOST/NAME:latest`. */
  readonly host: string;
}

/** A real registry on the loopback that has the images. */
export async function serveImages(): Promise<ImageServer> {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  const config = join(folder, "config.yml");
  const settings = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: `${imagesLayout}/registry` },
      maintenance: { readonly: { enabled: true } },
    },
    http: { addr: "127.0.0.1:0" },
  };
  // JSON is YAML too.
  await writeFile(config, JSON.stringify(settings));
  const child = spawn("docker-registry", ["serve", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    let log = "";
    child.once("error", reject);
    createInterface(child.stderr).on("line", (line) => {
      log += `${line}\n`;
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    void exited.then(() => reject(new Error(`docker-registry ended:\n${log}`)));
  });
  return {
    host,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}
