/** One way to log in that a server offers: scheme in lower case, parameters with lower-case names (RFC 9110, 11.3). */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(
  String.raw`^(${token})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|(${token}(?:[/+=~.-]*${token})*=*))`,
);
const schemePattern = new RegExp(`^(${token})(?:[ \\t]+|$|(?=[ \\t]*,))`);

/**
 * The challenges of `WWW-Authenticate` headers. Several may share a header, and commas stand between challenges as
 * between parameters. What can't be understood is left out.
 */
export function parseChallenges(headers: string | readonly string[] | undefined): Challenge[] {
  const challenges: Challenge[] = [];
  for (const header of typeof headers === "string" ? [headers] : (headers ?? [])) {
    let rest = header;
    let parameters: Map<string, string> | undefined;
    for (;;) {
      rest = rest.replace(/^[ \t,]+/, "");
      if (rest === "") break;
      const pair = parameter.exec(rest);
      if (pair !== null && parameters !== undefined) {
        const [whole, name = "", quoted, plain] = pair;
        parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
        rest = rest.slice(whole.length);
        continue;
      }
      const scheme = schemePattern.exec(rest);
      if (scheme === null) {
        // Something like a bare token68: up to the next comma it means nothing to us.
        const comma = rest.indexOf(",");
        rest = comma < 0 ? "" : rest.slice(comma);
        continue;
      }
      parameters = new Map();
      challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters });
      rest = rest.slice(scheme[0].length);
    }
  }
  return challenges;
}
