import { SourceError } from "../model/error.ts";
import type { Login } from "./authorizer.ts";
import { drop } from "./http.ts";
import { statusError } from "./http-errors.ts";
import { RegistrySession, type SessionOptions } from "./registry-session.ts";

/**
 * Shows a login to a registry.
 * @param registry host and port, `docker.io` for Docker Hub
 * @returns false where the registry lets everybody in, so that nothing was learnt
 * @throws {SourceError} `login/refused`; and where the registry can't be reached
 */
export async function checkLogin(
  registry: string,
  login: Login,
  options: SessionOptions,
): Promise<boolean> {
  let isAsked = false;
  const credentials = {
    async find() {
      isAsked = true;
      return login;
    },
  };
  const session = new RegistrySession(
    { registry, repository: "" },
    { ...options, credentials },
    "pull",
  );
  let failure: SourceError;
  try {
    const { request, response } = await session.ping();
    if (response.status === 200) {
      await drop(response);
      return isAsked;
    }
    failure = await statusError(request, response);
  } catch (error) {
    // The token server has its own way to refuse.
    if (!(error instanceof SourceError)) throw error;
    failure = error;
  }
  if (!["source/login-needed", "source/forbidden"].includes(failure.code)) throw failure;
  throw new SourceError(
    "login/refused",
    `${registry} refuses this login${login.kind === "password" ? ` of ${login.username}` : ""}`,
    {
      cause: failure,
      hint: "check name and password; with two-factor logins an access token takes the password's place",
    },
  );
}
