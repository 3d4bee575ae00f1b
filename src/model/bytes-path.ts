// Names in an image are bytes, not text. We carry them as "byte strings": JavaScript strings with one character
// (U+0000 to U+00FF) for each byte. They compare, sort and hash like the bytes themselves, and ASCII reads as it is.

/** A file name, path or link target as a byte string. Paths inside an image have no leading slash. */
export type ByteString = string;

/** The byte string of a text, encoded as UTF-8. */
export function toByteString(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The bytes themselves. */
export function bytesOf(name: ByteString): Buffer {
  return Buffer.from(name, "latin1");
}

/** The name for people: UTF-8 where it is that, and visible escapes for control characters and other bytes. */
export function displayName(name: ByteString): string {
  const bytes = bytesOf(name);
  const text = bytes.toString("utf8");
  const shown = Buffer.from(text, "utf8").equals(bytes) ? text : name;
  return shown.replaceAll(/[\u0000-\u001f\u007f-\u009f]|[\u00a0-\u00ff]/g, (character) =>
    shown === text && character >= "\u00a0"
      ? character
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
