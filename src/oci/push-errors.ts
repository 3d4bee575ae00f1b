import { SourceError } from "../model/error.ts";
import { serverText } from "./http-errors.ts";
import type { Answered } from "./registry-session.ts";

/** The error for a registry that doesn't take what is sent, with what it says about it. Reads the body. */
export async function pushError({ request, response }: Answered): Promise<SourceError> {
  const { status, url } = response;
  const said = await serverText(response);
  const tail = said === "" ? "" : `: ${said}`;
  const message = (what: string) => `${url.host} ${what} ${request.what} (status ${status})${tail}`;
  if (status === 401) {
    return new SourceError("push/login-needed", message("wants a login before it takes"), {
      hint: "log in with apptainer registry login, docker login or podman login, or set APPTAINER_DOCKER_USERNAME and APPTAINER_DOCKER_PASSWORD",
    });
  }
  if (status === 403) {
    return new SourceError("push/forbidden", message("doesn't allow you to push"), {
      hint: "log in as somebody who may write there, or choose a repository of your own",
    });
  }
  if (status === 404) {
    return new SourceError("push/no-repository", message("has no place for"), {
      hint: "some registries want a project or repository to be made first: check the name, and make it there",
    });
  }
  if (status === 405) {
    return new SourceError("push/read-only", message("takes nothing, so not"), {
      hint: "it is read-only, a mirror or under maintenance: push to the registry that it is a copy of",
    });
  }
  if (status === 413) {
    return new SourceError("push/too-large", message("finds it too large, so it refuses"), {
      hint: "the registry, or a proxy before it, limits the size of a request: ask its owner to raise the limit",
    });
  }
  if (status === 507) {
    return new SourceError("push/no-space", message("has no room for"), {
      hint: "your quota there is used up: delete what is not needed, or ask for more",
    });
  }
  return new SourceError("push/refused", message("refuses"), {
    hint:
      status >= 500
        ? "the registry has a problem: try again later"
        : "the registry may not take images of this kind; its documentation says which",
  });
}
