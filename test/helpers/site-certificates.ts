import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

export interface HostCertificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** An authority that nobody knows, in a folder: `ca.crt` and `ca.key`. */
export async function makeAuthority(folder: string): Promise<void> {
  await openssl(
    folder,
    `req -x509 ${newKey} -keyout ca.key -out ca.crt -subj /CN=Site-CA -days 30`,
  );
}

/**
 * A certificate of the authority in the folder, as `NAME.crt` and `NAME.key`.
 * @param names what it is for, `DNS:registry.test` or `IP:127.0.0.1`
 * @param days from when to when it holds, counted from now
 */
export async function makeCertificate(
  folder: string,
  name: string,
  names: readonly string[],
  days: readonly [from: number, to: number] = [-1, 30],
): Promise<HostCertificate> {
  const [notBefore, notAfter] = days.map((day) =>
    new Date(Date.now() + day * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, ""),
  );
  await execa(
    "sh",
    [
      "-ec",
      `openssl req ${newKey} -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
      mkdir "$1.ca" && : >"$1.ca/index.txt" && echo 01 >"$1.ca/serial"
      printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\nserial=%s/serial\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=%s\n' "$1.ca" "$1.ca" "$1.ca" "$2" >"$1.cnf"
      openssl ca -batch -notext -config "$1.cnf" -cert ca.crt -keyfile ca.key -in "$1.csr" -out "$1.crt" -startdate "$3" -enddate "$4" 2>/dev/null`,
      "sh",
      name,
      names.join(","),
      notBefore ?? "",
      notAfter ?? "",
    ],
    { cwd: folder },
  );
  return {
    key: await readFile(join(folder, `${name}.key`)),
    cert: await readFile(join(folder, `${name}.crt`)),
  };
}

const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

const openssl = (folder: string, words: string) =>
  execa("openssl", words.split(" "), { cwd: folder });
