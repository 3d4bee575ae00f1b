import { SourceError } from "../model/error.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";

const authorityCodes = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);
const certificateCodes = new Set([
  ...authorityCodes,
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** What is said of hosts that aren't there, or not now. */
const absentCodes = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "EAI_AGAIN",
]);

/** The code of a failure of the network, from wherever in the chain of causes it stands. */
export function networkCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === "string") return code;
    // undici's error for what is no HTTP has a code only at times.
    if (at.name === "HTTPParserError") return "HPE_INVALID";
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return undefined;
}

/** Whether a certificate was refused only because nobody vouches for it. */
export function isUnknownAuthority(error: unknown): boolean {
  return authorityCodes.has(networkCode(error) ?? "");
}

/** The status with which a proxy refused to pass a request on; undici tells it in the message alone. */
function proxyStatus(error: unknown): number | undefined {
  const found = /^Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(
    error instanceof Error ? error.message : "",
  );
  return found === null ? undefined : Number(found[1]);
}

/** Whether a failure to connect or read may go away by itself. */
export function isWorthRetrying(error: unknown): boolean {
  const code = networkCode(error);
  if (code === undefined) return false;
  const byProxy = proxyStatus(error);
  if (byProxy !== undefined) return byProxy === 429 || byProxy >= 500;
  return !(
    certificateCodes.has(code) ||
    ["ENOTFOUND", "EPROTO", "UND_ERR_INVALID_ARG", "UND_ERR_ABORTED"].includes(code) ||
    code.startsWith("ERR_")
  );
}

/**
 * How often a request is worth making to a host that has never answered: a registry that isn't there should be told of
 * within seconds. A connection that timed out has been tried by the kernel several times already.
 */
export function attemptsWorthwhile(error: unknown): number {
  const code = networkCode(error) ?? "";
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") return 1;
  if (code === "UND_ERR_HEADERS_TIMEOUT") return 2;
  return absentCodes.has(code) ? 3 : Infinity;
}

/** The error for a server that could not be talked to. */
export function connectionError(request: HttpRequest, cause: unknown): SourceError {
  const { host } = request.url;
  const code = networkCode(cause) ?? "";
  const [why, hint] = explainProxy(cause) ?? explain(code, host, cause as Error);
  const isSent = ["POST", "PUT", "PATCH"].includes(request.method ?? "GET");
  const tried = isSent ? `send ${request.what} to` : `get ${request.what} from`;
  return new SourceError("source/unreachable", `cannot ${tried} ${host}: ${why}`, {
    hint,
    cause,
  });
}

function explainProxy(cause: unknown): [why: string, hint: string] | undefined {
  const status = proxyStatus(cause);
  if (status === undefined) return undefined;
  return status === 407
    ? [
        "the proxy wants a login (status 407)",
        "put it into the address: HTTPS_PROXY=http://name:password@proxy.example:3128",
      ]
    : [
        `the proxy doesn't pass the request on (status ${status})`,
        "ask whoever runs the proxy, or name the host in NO_PROXY if it can be reached without",
      ];
}

function explain(code: string, host: string, cause: Error): [why: string, hint: string] {
  const isNamed = `is ${JSON.stringify(host)} the right name? Otherwise the network, or a proxy (HTTPS_PROXY, NO_PROXY), needs a look`;
  if (code === "ENOTFOUND") return ["there is no such host", isNamed];
  if (code === "EAI_AGAIN") return ["names can't be looked up", isNamed];
  if (code === "ECONNREFUSED") return ["the connection was refused", isNamed];
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
    return ["it doesn't answer", isNamed];
  }
  const isOverloaded = "the server, the network or a proxy is overloaded: try again later";
  if (code === "UND_ERR_HEADERS_TIMEOUT") return ["it doesn't answer", isOverloaded];
  if (code === "UND_ERR_BODY_TIMEOUT") return ["it stopped sending", isOverloaded];
  if (certificateCodes.has(code)) {
    return [
      `its certificate is not trusted (${cause.message})`,
      "name the file with your site's certificate authority in SSL_CERT_FILE, or put it into /etc/containers/certs.d/HOST",
    ];
  }
  // RFC 8446, 6.2: what a server says that asked for a certificate and got none, or one that it doesn't take.
  if (/ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE|UNKNOWN_CA)$/.test(code)) {
    return [
      "it wants a certificate of yours",
      "put client.cert and client.key into /etc/containers/certs.d/HOST, or name their folder with --cert-dir",
    ];
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return ["it doesn't speak https", "if the registry speaks plain http, say --no-https"];
  }
  // Under TLS 1.3 a client learns only after the handshake that its certificate was missed, if it learns it at all.
  if (code === "UND_ERR_SOCKET") {
    return [
      "it hung up",
      "try again later; if it always does, it may want a certificate of yours (--cert-dir)",
    ];
  }
  return [cause.message === "" ? code : cause.message, "try again later"];
}

/** The error for an answer that is none, with what the server says about it. Reads the body. */
export async function statusError(
  request: HttpRequest,
  response: HttpResponse,
): Promise<SourceError> {
  const { status, url } = response;
  const said = await serverText(response);
  const tail = said === "" ? "" : `: ${said}`;
  const message = (what: string) => `${url.host} ${what} ${request.what} (status ${status})${tail}`;
  if (status === 401) {
    return new SourceError("source/login-needed", message("wants a login for"), {
      hint: "check the name; if the image is private, log in with tsbuild login (or apptainer registry login, docker login, podman login), or set APPTAINER_DOCKER_USERNAME and APPTAINER_DOCKER_PASSWORD",
    });
  }
  if (status === 403) {
    return new SourceError("source/forbidden", message("refuses"), {
      hint: "your login, or the lack of one, doesn't allow it: ask the owner of the image",
    });
  }
  if (status === 404) {
    return new SourceError("source/not-found", message("doesn't have"), {
      hint: "check name, tag and spelling; some registries say this also where a login is missing",
    });
  }
  if (status === 429) {
    return new SourceError("source/rate-limited", message("gives out no more of"), {
      hint: `this address or login has used up its share${shareOf(response)}: wait, log in, or use a mirror`,
    });
  }
  return new SourceError("source/registry-failed", message("failed at"), {
    hint:
      status >= 500
        ? "the registry has a problem: try again later"
        : "the server is faulty, or it is no registry",
  });
}

/**
 * What a registry tells of the share that was used up: Docker Hub's `ratelimit-limit: 100;w=21600` (pulls and seconds),
 * `ratelimit-remaining`, `docker-ratelimit-source` (an address or an account), and `Retry-After`.
 */
function shareOf({ headers }: HttpResponse): string {
  const parts: string[] = [];
  const [limit, windowText] = headerText(headers["ratelimit-limit"]).split(";w=");
  const hours = Number(windowText) / 3600;
  if (limit !== undefined && /^\d+$/.test(limit)) {
    const remaining = /^\d+/.exec(headerText(headers["ratelimit-remaining"]))?.[0];
    parts.push(
      `${remaining ?? 0} of ${limit} pulls are left${hours > 0 ? ` of every ${Number(hours.toFixed(1))} hours` : ""}`,
    );
  }
  const counted = headerText(headers["docker-ratelimit-source"]);
  if (/^[\w.:-]{1,64}$/.test(counted)) parts.push(`counted for ${counted}`);
  const againMs = retryAfterMs(headers["retry-after"]);
  if (againMs !== undefined && againMs > 0) {
    const seconds = Math.ceil(againMs / 1000);
    parts.push(
      `there is more in ${seconds < 180 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}`,
    );
  }
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

const headerText = (value: string | string[] | undefined) =>
  (Array.isArray(value) ? value[0] : value)?.trim() ?? "";

/** How long a `Retry-After` header asks to wait: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(
  header: string | string[] | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  const text = headerText(header);
  if (text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** The messages of a registry's JSON answer, or the start of a plain one, fit for one line. */
export async function serverText(response: HttpResponse): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      parts.push(part);
      bytes += part.length;
      if (bytes > 16 * 1024) break;
    }
  } catch {
    // The status says enough.
  }
  const text = Buffer.concat(parts).toString("utf8");
  let shown = text.includes("<") ? "" : text;
  try {
    const json = JSON.parse(text) as { errors?: { code?: unknown; message?: unknown }[] };
    if (Array.isArray(json.errors)) {
      shown = json.errors
        .map(({ code, message }) =>
          typeof message === "string" && message !== "" ? message : String(code),
        )
        .join("; ");
    }
  } catch {
    // Not JSON.
  }
  return shown
    .replaceAll(/[\s\p{C}]+/gu, " ")
    .trim()
    .slice(0, 200);
}
