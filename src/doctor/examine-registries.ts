import { access, constants, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import {
  authFiles,
  isObject,
  normalKey,
  readConfig,
  systemCredentials,
} from "../oci/credentials.ts";
import { Dispatchers } from "../oci/dispatchers.ts";
import { parseReference } from "../oci/reference.ts";
import { endpointsOf } from "../oci/registries-conf.ts";
import type { Findings } from "./collect.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RegistriesReport {
  /** Variable → address, without a login that stands in it. */
  readonly proxies: Readonly<Record<string, string>>;
  /** The registries that there are logins for, and the file that has each. No secrets. */
  readonly logins: readonly { readonly registry: string; readonly file: string }[];
}

const proxyNames = [
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "https_proxy",
  "http_proxy",
  "no_proxy",
];

/** Proxies, certificates, logins and settings, without asking any registry. */
export async function examineRegistries(
  env: Environment,
  findings: Findings,
): Promise<RegistriesReport> {
  const dispatchers = new Dispatchers({ env });
  try {
    for (const scheme of ["https", "http"]) {
      await findings.attempt("error", () =>
        dispatchers.get(new URL(`${scheme}://registry.invalid/`)),
      );
    }
  } finally {
    await dispatchers.close();
  }
  const warn = (code: string) => (message: string) =>
    findings.add({ code, severity: "warning", message, hint: undefined });
  const reference = parseReference("docker.io/library/busybox");
  await findings.attempt("warning", () =>
    endpointsOf(reference, { env, onProblem: warn("source/bad-registries-conf") }),
  );
  await systemCredentials({ env, onProblem: warn("source/bad-login-store") }).find(
    reference.registry,
    "library/busybox",
  );
  await findUnreadableCertificates(env, findings);
  return { proxies: proxiesOf(env), logins: await loginsOf(env) };
}

function proxiesOf(env: Environment): Record<string, string> {
  return Object.fromEntries(
    proxyNames.flatMap((name) => {
      const value = env[name];
      if (value === undefined || value === "") return [];
      return [[name, value.replace(/(^|\/\/)[^/@]*@/, "$1***@")]];
    }),
  );
}

async function loginsOf(env: Environment): Promise<{ registry: string; file: string }[]> {
  const logins: { registry: string; file: string }[] = [];
  for (const file of authFiles(env, { env, home: homedir() })) {
    const config = await readConfig(file, {});
    for (const map of [config?.["auths"], config?.["credHelpers"]]) {
      for (const key of isObject(map) ? Object.keys(map) : []) {
        logins.push({ registry: normalKey(key), file });
      }
    }
  }
  return logins;
}

/** A build goes on without them, and then doesn't trust the registries that they vouch for. */
async function findUnreadableCertificates(env: Environment, findings: Findings): Promise<void> {
  const named = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"].flatMap((variable) =>
    (env[variable] ?? "")
      .split(variable === "SSL_CERT_DIR" ? ":" : "\0")
      .filter((path) => path !== "")
      .map((path) => [variable, path] as const),
  );
  for (const [variable, path] of named) {
    const failure = await access(path, constants.R_OK)
      .then(() => (variable === "SSL_CERT_DIR" ? readdir(path).then(() => undefined) : undefined))
      .catch((error: unknown) => (error as Error).message);
    if (failure === undefined) continue;
    findings.add({
      code: "host/certificates",
      severity: "warning",
      message: `the certificates that ${variable} names can't be read: ${failure}`,
      hint: `name a file or folder that you may read in ${variable}, or unset it`,
    });
  }
}
