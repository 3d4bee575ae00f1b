import type { Section } from "../../model/definition.ts";
import { splitPair } from "../build-arguments.ts";
import { textLines } from "../text-lines.ts";
import { sectionsOf, type Rule } from "./rule.ts";

// The word that says so stands at the end of the name: the issuer of a token is no secret.
const secretName =
  /(?:^|[_.-])(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|(?:access|private|secret)[_-]?key|credentials?)(?:[_.-](?:\d+|value|base))?$/i;

/** What is a secret whatever stands before it. */
const secretText: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/, "a private key"],
  [/\bgh[pousr]_[A-Za-z0-9]{36}\b/, "a token of GitHub"],
  [/\bglpat-[A-Za-z0-9_-]{20}\b/, "a token of GitLab"],
  [/\bAKIA[A-Z0-9]{16}\b/, "an access key of AWS"],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/, "a token of Slack"],
  [/\bhf_[A-Za-z]{34}\b/, "a token of Hugging Face"],
  // It looks back for the scheme, so that not every word is taken for one first.
  [/:\/\/(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/:@$]+:[^\s/@${}]+@[\w.-]+/, "a password in an address"],
];

/** The definition is kept in the image, with all values filled in, for everybody who has it. */
export const secret: Rule = {
  name: "secret",
  summary: "No passwords, tokens or keys in what the image keeps.",
  *check(stage) {
    for (const section of stage.sections) {
      // Most sections hold none, and need not be looked through line by line.
      const texts = secretText.filter(([pattern]) => pattern.test(section.body));
      const pair = pairs[section.name];
      if (texts.length === 0 && pair === undefined) continue;
      for (const { text, start, end } of textLines(section)) {
        const what =
          texts.find(([pattern]) => pattern.test(text))?.[1] ??
          (pair && namedSecret(pair.exec(text)?.groups));
        if (what === undefined) continue;
        yield {
          location: section.placeOf(start, end),
          message: `${what} can be read by everybody who has the image`,
          hint: "bind a file with it while building (--bind), or give it when the container runs",
        };
      }
    }
    yield* secretArguments(sectionsOf(stage, "arguments"));
  },
};

const label = /^(?<key>[^ ]+) +(?<value>.+)$/;
const variable = /^(?:export +)?(?<key>\w+)=(?<value>.+)$/;

/** The lines of which sections give names to values, and how. */
const pairs: Partial<Record<Section["name"], RegExp>> = {
  labels: label,
  applabels: label,
  environment: variable,
  appenv: variable,
};

/** A label or variable that is called like a secret and has a value of its own. */
function namedSecret({ key = "", value = "" }: Partial<Record<string, string>> = {}) {
  return secretName.test(key) && !isHarmless(value) ? `the value of ${key}` : undefined;
}

/** A value that comes from elsewhere, or says too little to be a secret. */
function isHarmless(value: string): boolean {
  return /^["']?(?:[$/`<]|["']?$|(?:\d{1,6}|true|false|yes|no)(?:["'\s]|$))/.test(value);
}

function* secretArguments(sections: readonly Section[]) {
  for (const section of sections) {
    for (const { text, start, end } of textLines(section)) {
      const { name, value } = splitPair(text) ?? { name: "", value: "" };
      // A name without a value waits for one from the command line, and that would be kept too.
      if (
        !secretName.test(name) ||
        (value !== "" && isHarmless(value)) ||
        secretText.some(([pattern]) => pattern.test(text))
      )
        continue;
      yield {
        location: section.placeOf(start, end),
        message: `the value of ${name} is kept in the image: build arguments are filled in before the definition is stored`,
        hint: "bind a file with it while building (--bind), or give it when the container runs",
      };
    }
  }
}
