import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createSecureContext, getCACertificates } from "node:tls";
import { SourceError } from "../model/error.ts";

export interface CertificateOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folders with a folder for each host, as containers-certs.d(5) and Docker have them. */
  readonly hostFolders?: readonly string[] | undefined;
  /** A folder like a host's, for every host (`--cert-dir`). */
  readonly folder?: string | undefined;
}

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
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
  for (const folder of [
    ...(env["SSL_CERT_DIR"] ?? "").split(":").filter((one) => one !== ""),
    ...foldersOf(host, options),
  ]) {
    const names = await readdir(folder).catch(() => []);
    const wanted = names.filter((name) => /\.(?:crt|pem|0)$/.test(name));
    texts.push(...(await readTexts(wanted.map((name) => join(folder, name)))));
  }
  return texts;
}

/**
 * What this machine shows to a host that asks who it is: the first `NAME.cert` with its `NAME.key` in the host's folder
 * of `certs.d`.
 * @throws {SourceError} `source/bad-certificate` where there is one without the other, or either can't be read
 */
export async function clientCertificate(
  host: string,
  options: CertificateOptions = {},
): Promise<ClientCertificate | undefined> {
  for (const folder of foldersOf(host, options)) {
    const names: string[] = await readdir(folder).catch(() => []);
    names.sort();
    const name = names.find((one) => one.endsWith(".cert"))?.slice(0, -".cert".length);
    const alone = names.find((one) => one.endsWith(".key"))?.slice(0, -".key".length);
    if (name === undefined && alone === undefined) continue;
    const stem = join(folder, name ?? alone ?? "");
    try {
      const [cert, key] = await Promise.all(
        [`${stem}.cert`, `${stem}.key`].map((file) => readFile(file, "utf8")),
      );
      const client = { cert: cert ?? "", key: key ?? "" };
      // What TLS can't use is found out here, where its file is known.
      createSecureContext(client);
      return client;
    } catch (cause) {
      throw new SourceError(
        "source/bad-certificate",
        `the certificate for ${host} can't be used: ${(cause as Error).message}`,
        { cause, hint: `in ${folder}, NAME.cert and NAME.key belong together` },
      );
    }
  }
  return undefined;
}

function foldersOf(host: string, options: CertificateOptions): string[] {
  const hostFolders = options.hostFolders ?? [
    join(homedir(), ".config/containers/certs.d"),
    "/etc/containers/certs.d",
    "/etc/docker/certs.d",
  ];
  return [
    ...(options.folder === undefined ? [] : [options.folder]),
    ...hostFolders.map((one) => join(one, host)),
  ];
}

async function readTexts(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  return texts.filter((text) => text.includes("-----BEGIN CERTIFICATE-----"));
}
