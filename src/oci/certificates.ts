import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";

export interface CertificateOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folders with a folder for each host, as containers-certs.d(5) has them. */
  readonly hostFolders?: readonly string[] | undefined;
}

/**
 * All authorities that a host's certificate may come from, as PEM texts: Node's own, the machine's, those in
 * `SSL_CERT_FILE` and `SSL_CERT_DIR`, and what is in the host's folder of `certs.d`, Docker's or Podman's. To load them
 * takes half a second, so they are for hosts that Node's own don't do for.
 * @param host with its port, as it stands in image names
 */
export async function siteCertificates(
  host: string,
  options: CertificateOptions = {},
): Promise<string[]> {
  const env = options.env ?? process.env;
  const texts = [...getCACertificates("default"), ...getCACertificates("system")];
  const file = env["SSL_CERT_FILE"];
  if (file !== undefined && file !== "") texts.push(...(await readTexts([file])));
  const folders = options.hostFolders ?? [
    join(homedir(), ".config/containers/certs.d"),
    "/etc/containers/certs.d",
    "/etc/docker/certs.d",
  ];
  for (const folder of [
    ...(env["SSL_CERT_DIR"] ?? "").split(":").filter((one) => one !== ""),
    ...folders.map((one) => join(one, host)),
  ]) {
    const names = await readdir(folder).catch(() => []);
    const wanted = names.filter((name) => /\.(?:crt|pem|0)$/.test(name));
    texts.push(...(await readTexts(wanted.map((name) => join(folder, name)))));
  }
  return texts;
}

async function readTexts(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  return texts.filter((text) => text.includes("-----BEGIN CERTIFICATE-----"));
}
