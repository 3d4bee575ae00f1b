import { displayName, toByteString, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import { goObject } from "./go-json.ts";

/** Keys and values as byte strings: a definition need not be UTF-8. */
export type Labels = ReadonlyMap<ByteString, ByteString>;

/**
 * The labels of a `%labels` section, of `/.build.labels` or of `%applabels`: a key up to the first blank of a line, the
 * rest is the value. Blank lines and lines that start with `#` say nothing, quotes mean nothing, a tab does not end a
 * key, and of two lines with one key the later one holds. All of that is Apptainer's.
 */
export function parseLabels(text: ByteString): Map<ByteString, ByteString> {
  const labels = new Map<ByteString, ByteString>();
  for (const raw of text.split("\n")) {
    const line = trimmed(raw);
    if (line === "" || line.startsWith("#")) continue;
    const blank = line.indexOf(" ");
    if (blank === -1) labels.set(line, "");
    else labels.set(line.slice(0, blank), trimmed(line.slice(blank)));
  }
  return labels;
}

// White space in ASCII only: the bytes 0x85 and 0xa0 may be parts of longer characters.
const trimmed = (text: ByteString) => text.replaceAll(/^[\t-\r ]+|[\t-\r ]+$/g, "");

/**
 * What a `labels.json` holds. `null` stands for no labels.
 * @throws {FormatError} `layout/labels` when it is not an object of strings
 */
export function readLabels(json: ByteString, path: ByteString): Map<ByteString, ByteString> {
  const labels = new Map<ByteString, ByteString>();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json, "latin1").toString("utf8"));
  } catch (cause) {
    throw unreadable(path, "is not JSON", cause);
  }
  if (value === null) return labels;
  if (typeof value !== "object" || Array.isArray(value)) throw unreadable(path, "is not an object");
  for (const [key, label] of Object.entries(value)) {
    if (typeof label !== "string") throw unreadable(path, `has no text for ${JSON.stringify(key)}`);
    labels.set(toByteString(key), toByteString(label));
  }
  return labels;
}

function unreadable(path: ByteString, what: string, cause?: unknown): FormatError {
  return new FormatError("layout/labels", `/${displayName(path)} in the image ${what}`, {
    hint: `remove /${displayName(path)} in %post, or mend it in the base image`,
    cause,
  });
}

/** The text of a `labels.json`. */
export const labelsFile = (labels: Labels): string => goObject(labels, "indented");
