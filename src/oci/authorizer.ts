// Getting and keeping the right to read a repository (distribution's token specification, and Basic of RFC 7617).

import { SourceError } from "../model/error.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import { drop, readShort, type HttpClient, type HttpRequest } from "./http.ts";
import { statusError } from "./http-errors.ts";
import { isLoopback } from "./dispatchers.ts";

/** What somebody logs in with. */
export type Login =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** A refresh token that an earlier login to this registry gave. */
  | { readonly kind: "identity-token"; readonly token: string }
  /** Sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** Where logins come from. */
export interface Credentials {
  /** The login for a repository of a registry (`docker.io` for Docker Hub), or undefined to stay anonymous. */
  find(registry: string, repository: string): Promise<Login | undefined>;
}

/** The `Authorization` header for one repository, found out by what the registry asks for. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #registry: string;
  readonly #repository: string;
  readonly #actions: string;
  readonly #credentials: Credentials | undefined;
  #login: Promise<Login | undefined> | undefined;
  #header: string | undefined;
  #renewing: Promise<string | undefined> | undefined;

  /**
   * @param repository empty where only the login itself is to be tried
   * @param actions what is to be done there: `pull` or `pull,push`
   */
  constructor(
    http: HttpClient,
    registry: string,
    repository: string,
    actions: string,
    credentials: Credentials | undefined,
  ) {
    this.#http = http;
    this.#registry = registry;
    this.#repository = repository;
    this.#actions = actions;
    this.#credentials = credentials;
  }

  /** What the last answer to a challenge gave; undefined before the first. */
  get header(): string | undefined {
    return this.#header;
  }

  /**
   * The header that answers a 401, or undefined where nothing can be said that was not said before. Requests that fail
   * together share one answer.
   * @param refused the header that was sent
   * @throws {SourceError} when the token server refuses or fails
   */
  async answer(
    origin: URL,
    challengeHeaders: string | string[] | undefined,
    refused: string | undefined,
  ): Promise<string | undefined> {
    if (this.#header !== refused && this.#header !== undefined) return this.#header;
    this.#renewing ??= this.#renew(origin, parseChallenges(challengeHeaders)).finally(() => {
      this.#renewing = undefined;
    });
    const header = await this.#renewing;
    return header === refused ? undefined : header;
  }

  async #renew(origin: URL, challenges: readonly Challenge[]): Promise<string | undefined> {
    this.#login ??=
      this.#credentials?.find(this.#registry, this.#repository) ?? Promise.resolve(undefined);
    const login = await this.#login;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const basic = challenges.find(({ scheme }) => scheme === "basic");
    if (login?.kind === "bearer") this.#header = `Bearer ${login.token}`;
    else if (bearer !== undefined) {
      this.#header = `Bearer ${await this.#fetchToken(origin, bearer, login)}`;
    } else if (basic !== undefined && login?.kind === "password") this.#header = basicHeader(login);
    return this.#header;
  }

  async #fetchToken(origin: URL, challenge: Challenge, login: Login | undefined): Promise<string> {
    const url = this.#realmOf(origin, challenge);
    const service = challenge.parameters.get("service");
    // A scope may stand in the realm already (NGC); two of them confuse such servers.
    const scope = url.searchParams.has("scope")
      ? undefined
      : (challenge.parameters.get("scope") ?? this.#scope());
    let request: HttpRequest;
    const what = `a token for ${this.#repository === "" ? this.#registry : this.#repository}`;
    if (login?.kind === "identity-token") {
      const form = new URLSearchParams({
        grant_type: "refresh_token",
        service: service ?? "",
        client_id: "tsbuild",
        refresh_token: login.token,
        scope: scope ?? "",
      });
      request = {
        url,
        what,
        method: "POST",
        // It only asks for a token; several are as good as one.
        isRepeatable: true,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: form.toString(),
      };
    } else {
      if (service !== undefined && service !== "") url.searchParams.set("service", service);
      // A challenge may hold several scopes, separated by blanks; each is a parameter of its own.
      for (const one of scope?.split(" ") ?? []) url.searchParams.append("scope", one);
      if (login?.kind === "password") {
        if (!url.searchParams.has("account")) url.searchParams.set("account", login.username);
        request = { url, what, authorization: basicHeader(login) };
      } else request = { url, what };
    }
    const response = await this.#http.send(request);
    if (response.status !== 200) {
      throw await statusError(request, response);
    }
    const bytes = await readShort(request, response, 1024 * 1024);
    const token = tokenIn(bytes);
    if (token === undefined) {
      await drop(response);
      throw new SourceError("source/registry-failed", `${url.host} answered without ${what}`, {
        hint: "the token server is faulty",
      });
    }
    return token;
  }

  #scope(): string | undefined {
    return this.#repository === "" ? undefined : `repository:${this.#repository}:${this.#actions}`;
  }

  /** The token server. A login must not go over plain http, unless the registry itself is spoken to so. */
  #realmOf(origin: URL, challenge: Challenge): URL {
    const realm = challenge.parameters.get("realm") ?? "";
    const url = URL.canParse(realm, origin.href) ? new URL(realm, origin.href) : undefined;
    const isSafe =
      url?.protocol === "https:" ||
      (url?.protocol === "http:" && (origin.protocol === "http:" || isLoopback(url.hostname)));
    if (realm === "" || url === undefined || !isSafe) {
      throw new SourceError(
        "source/registry-failed",
        `${origin.host} sends to ${JSON.stringify(realm)} for a token`,
        { hint: "the registry is set up wrongly, or somebody is in between" },
      );
    }
    return url;
  }
}

function basicHeader(login: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${login.username}:${login.password}`, "utf8").toString("base64")}`;
}

function tokenIn(bytes: Buffer): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const { token, access_token: accessToken } = json as Record<string, unknown>;
  const found = [token, accessToken].find((one) => typeof one === "string" && one !== "");
  // It becomes part of a header: no line breaks.
  return typeof found === "string" && /^[\x21-\x7e]+$/.test(found) ? found : undefined;
}
